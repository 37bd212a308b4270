import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../e2e/support/command.ts'
import { writeLayout } from '../e2e/support/oci-layout.ts'
import { containersHome } from './support/containers-home.ts'
import {
  assertGone,
  assertHolds,
  assertImage,
  assertSame,
  clientOf,
  mirrored,
  written,
} from './support/content.ts'
import { artifactAbout, plainImage, platformIndex } from './support/images.ts'
import { plainHttp } from './support/transport.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const NAME = 'skopeo/hello'
const PLATFORMS = 'skopeo/platforms'
const ARTIFACT_TYPE = 'application/vnd.example.note'

const image = plainImage('hello from skopeo\n')
const artifact = artifactAbout(image.manifest, ARTIFACT_TYPE, NAME)

let env: Readonly<Record<string, string>> = {}

export const skopeo: Client = {
  name: 'skopeo',
  needs: ['skopeo'],
  version: async ({ tool, signal }) =>
    (await run(tool('skopeo'), ['--version'], { signal })).trim().replace('skopeo version ', ''),
  async start({ directory }) {
    env = await containersHome(directory)
    await writeLayout(join(directory, 'made'), image)
    await writeLayout(join(directory, 'artifact'), artifact)
  },

  actions: {
    async push(world) {
      const place = { host: world.host, name: NAME, reference: 'v1' }
      await copy(world, 'oci:made:v1', docker(place))
      await assertHolds(place, [image.manifest, ...image.blobs])
      // Docker's media types, which it converts to.
      const converted = { ...place, reference: 'docker' }
      await copy(world, '--format=v2s2', 'oci:made:v1', docker(converted))
      const answer = await clientOf(world).expect(200, 'GET', `/v2/${NAME}/manifests/docker`)
      const type = 'application/vnd.docker.distribution.manifest.v2+json'
      assert.equal(answer.headers.get('content-type'), type)
      const { config } = answer.json() as { config: { digest: string } }
      await assertImage(converted, config.digest)
    },

    'pull by tag': (world) => pull(world, { host: world.host, name: NAME, reference: 'v1' }),

    'pull by digest': (world) =>
      pull(world, { host: world.host, name: NAME, reference: image.manifest.digest }),

    async 'list tags'(world) {
      const output = await cli(
        world,
        'list-tags',
        ...plainHttp(world.host, PLAIN_HTTP),
        `docker://${world.host}/${NAME}`,
      )
      const { Tags } = JSON.parse(output) as { Tags: string[] }
      assert.deepEqual(Tags, ['docker', 'v1'])
    },

    async 'copy to another daemon'(world) {
      const here = { host: world.host, name: NAME, reference: 'v1' }
      const there = { host: world.other, name: 'skopeo/copied', reference: 'v1' }
      await copy(world, docker(here), docker(there))
      await assertSame(there, here)
    },

    async delete(world) {
      const place = { host: world.host, name: NAME, reference: 'docker' }
      await cli(world, 'delete', ...plainHttp(place.host, PLAIN_HTTP), docker(place))
      await assertGone(place)
      assert.deepEqual(await clientOf(world).tags(NAME), ['v1'])
    },

    async 'multi-platform index'(world) {
      const index = await platformIndex(NAME)
      await writeLayout(join(world.directory, 'platforms'), index)
      const place = { host: world.host, name: PLATFORMS, reference: 'v1' }
      await copy(world, '--all', 'oci:platforms:v1', docker(place))
      await assertHolds(place, [index.manifest, ...index.blobs])
      const there = { ...place, host: world.other }
      await copy(world, '--all', docker(place), docker(there))
      await assertSame(there, place)
    },

    async 'artifact with subject'(world) {
      const { digest } = artifact.manifest
      const place = { host: world.host, name: NAME, reference: digest }
      await copy(world, 'oci:artifact:v1', docker(place))
      await assertHolds(place, [artifact.manifest, ...artifact.blobs])
      const { manifests } = await clientOf(world).referrers(NAME, image.manifest.digest)
      assert.deepEqual(
        manifests.map((each) => [each.digest, each.artifactType]),
        [[digest, ARTIFACT_TYPE]],
      )
    },

    async 'pull through a mirror'(world) {
      const place = await mirrored(world, NAME, 'v1')
      await pull(world, place)
      await pull(world, { ...place, reference: image.manifest.digest })
      const platforms = await mirrored(world, PLATFORMS, 'v1')
      const copied = { host: world.other, name: 'skopeo/from-mirror', reference: 'v1' }
      await copy(world, '--all', docker(platforms), docker(copied))
      await assertSame(copied, { ...platforms, host: world.host })
    },
  },
}

const PLAIN_HTTP = '--tls-verify=false'

function cli({ tool, signal, directory }: World, ...args: string[]): Promise<string> {
  return run(tool('skopeo'), args, { env, signal, cwd: directory })
}

function copy(world: World, ...args: string[]): Promise<string> {
  const plain = plainHttp(world.host, '--src-tls-verify=false', '--dest-tls-verify=false')
  return cli(world, 'copy', ...plain, ...args)
}

function docker(place: Place): string {
  return `docker://${written(place)}`
}

/** Pulls into a new directory; what came is what was pushed, byte for byte. */
async function pull(world: World, place: Place): Promise<void> {
  const name = `pulled-${place.host}-${place.reference}`.replaceAll(/\W/g, '-')
  await copy(world, docker(place), `dir:${name}`)
  const file = (path: string) => readFile(join(world.directory, name, path))
  assert.ok((await file('manifest.json')).equals(image.manifest.bytes), 'its manifest')
  for (const { digest, bytes } of image.blobs)
    assert.ok((await file(digest.replace('sha256:', ''))).equals(bytes), digest)
}
