import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../e2e/support/command.ts'
import { containersHome } from './support/containers-home.ts'
import { assertImage, assertPlatforms, clientOf, mirrored, written } from './support/content.ts'
import { engineUnavailable, lines } from './support/engines.ts'
import { dockerArchive, idOf, idsOf, platformIndex, wordsImage } from './support/images.ts'
import { plainHttp } from './support/transport.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const NAME = 'podman/hello'
const WORDS = 'hello from podman\n'
const LOCAL = 'localhost/hello:made'

let env: Readonly<Record<string, string>> = {}
let id = ''
let digest = ''

export const podman: Client = {
  name: 'podman',
  needs: ['podman'],
  unavailable: engineUnavailable,
  version: async ({ tool, signal }) =>
    (await run(tool('podman'), ['--version'], { signal })).trim().replace('podman version ', ''),
  async start(world) {
    env = await containersHome(world.directory)
    const image = await wordsImage(WORDS)
    id = idOf(image)
    await load(world, dockerArchive(image, LOCAL))
  },
  /** What it mounted is unmounted, whatever else fails. */
  stop: async (world) => void (await cli(world, 'rmi', '--all', '--force')),

  actions: {
    async push(world) {
      const place = { host: world.host, name: NAME, reference: 'v1' }
      await cli(world, 'push', ...plain(world), LOCAL, written(place))
      digest = await assertImage(place, id)
      // The other form: OCI media types.
      const oci = { ...place, reference: 'oci' }
      await cli(world, 'push', ...plain(world), '--format=oci', LOCAL, written(oci))
      await assertOciImage(oci)
    },

    'pull by tag': (world) => pull(world, { host: world.host, name: NAME, reference: 'v1' }),

    'pull by digest': (world) => pull(world, { host: world.host, name: NAME, reference: digest }),

    async 'list tags'(world) {
      const options = ['--list-tags', '--format=json', ...plain(world)]
      const list = await cli(world, 'search', ...options, `${world.host}/${NAME}`)
      const [found] = JSON.parse(list) as { Name: string; Tags: string[] }[]
      assert.deepEqual(found, { Name: `${world.host}/${NAME}`, Tags: ['oci', 'v1'] })
      const names = ['--format={{.Name}}', '--limit=100', ...plain(world)]
      const repositories = lines(await cli(world, 'search', ...names, `${world.host}/podman`))
      assert.deepEqual(repositories, [`${world.host}/${NAME}`])
    },

    async 'copy to another daemon'(world) {
      const here = { host: world.host, name: NAME, reference: 'v1' }
      const there = { host: world.other, name: 'podman/copied', reference: 'v1' }
      await pull(world, here)
      await cli(world, 'push', ...plain(world), written(here), written(there))
      await assertImage(there, id)
    },

    async 'multi-platform index'(world) {
      const { images } = await platformIndex(NAME)
      const place = { host: world.host, name: 'podman/platforms', reference: 'v1' }
      const list = 'localhost/platforms:made'
      await cli(world, 'manifest', 'create', list)
      for (const [architecture, each] of Object.entries(images)) {
        const local = `localhost/platform:${architecture}`
        await load(world, dockerArchive(each, local))
        await cli(world, 'manifest', 'add', list, `containers-storage:${local}`)
      }
      const there = `docker://${written(place)}`
      await cli(world, 'manifest', 'push', '--all', ...plain(world), list, there)
      const ids = idsOf(images)
      await assertPlatforms(place, ids)
      for (const [architecture, wanted] of Object.entries(ids)) {
        await forgetAll(world)
        const platform = `--platform=linux/${architecture}`
        await cli(world, 'pull', ...plain(world), platform, written(place))
        assert.equal(`sha256:${await inspect(world, place, 'Id')}`, wanted)
      }
    },

    async 'pull through a mirror'(world) {
      const place = await mirrored(world, NAME, 'v1')
      await pull(world, place)
      await pull(world, { ...place, reference: digest })
    },
  },

  cannot: {
    delete: 'no command for it: `podman rmi` is about the local image',
    'artifact with subject':
      'no command for it before version 5.0, in which `podman manifest add --artifact` makes one',
  },
}

function plain({ host }: World): readonly string[] {
  return plainHttp(host, '--tls-verify=false')
}

function cli({ tool, signal }: World, ...args: string[]): Promise<string> {
  return run(tool('podman'), args, { env, signal })
}

async function load(world: World, archive: Uint8Array): Promise<void> {
  const file = join(world.directory, 'load.tar')
  await writeFile(file, archive)
  await cli(world, 'load', '--input', file)
}

/** Pulls into a storage that has nothing of it, and looks into the files that came. */
async function pull(world: World, place: Place): Promise<void> {
  await forgetAll(world)
  await cli(world, 'pull', ...plain(world), written(place))
  assert.equal(`sha256:${await inspect(world, place, 'Id')}`, id)
  assert.equal(await inspect(world, place, 'Digest'), digest)
  const root = (await cli(world, 'image', 'mount', written(place))).trim()
  assert.equal(await readFile(join(root, 'words'), 'utf8'), WORDS)
  await cli(world, 'image', 'unmount', '--all')
}

async function inspect(world: World, place: Place, field: 'Id' | 'Digest'): Promise<string> {
  return (await cli(world, 'image', 'inspect', `--format={{.${field}}}`, written(place))).trim()
}

async function forgetAll(world: World): Promise<void> {
  await cli(world, 'rmi', '--all', '--force')
}

/** Its config is another than the Docker one, so its layers are compared with what the config says. */
async function assertOciImage(place: Place): Promise<void> {
  const answer = await clientOf(place).expect(200, 'GET', `/v2/${place.name}/manifests/oci`)
  const type = 'application/vnd.oci.image.manifest.v1+json'
  assert.equal(answer.headers.get('content-type'), type)
  const { config } = answer.json() as { config: { digest: string } }
  await assertImage(place, config.digest)
}
