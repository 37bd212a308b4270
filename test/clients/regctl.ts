import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../src/oci/digest.ts'
import { makeImage } from '../e2e/support/image.ts'
import { writeLayout } from '../e2e/support/oci-layout.ts'
import { refused } from './support/go-client.ts'
import {
  copiesArtifacts,
  deletesArtifact,
  pulledArtifacts,
  putsArtifacts,
} from './regctl-artifacts.ts'
import { copiesSha512, pushesSha512 } from './regctl-sha512.ts'
import { CHUNK, regctl as run } from './regctl-run.ts'
import {
  assertGone,
  assertHolds,
  assertImage,
  assertSame,
  clientOf,
  manifestAt,
  mirrored,
  written,
} from './support/content.ts'
import { lines } from './support/engines.ts'
import { PLATFORMS, dockerArchive, idOf, plainImage } from './support/images.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const APP = 'regctl/app'
const MULTI = 'regctl/multi'

const image = makeImage(
  [
    [{ path: 'etc/' }, { path: 'etc/name', content: 'regctl\n' }],
    [{ path: 'random', content: randomBytes(CHUNK * 9 + 1) }],
  ],
  ['/bin/true'],
)
const { digest } = image.manifest
const pieces = [image.manifest, ...image.blobs]
const blob = randomBytes(CHUNK * 3)
/** One image for each platform. */
const images = PLATFORMS.map((architecture) => plainImage('regctl', architecture))

/** regclient's command line, which uploads in chunks here. */
export const regctl: Client = {
  name: 'regctl',
  needs: ['regctl'],
  version: async (world) => (await run(world, ['version', '--format', '{{.VCSTag}}'])).trim(),

  async start({ directory }) {
    await writeLayout(join(directory, 'made'), image)
    for (const [index, each] of images.entries())
      await writeLayout(join(directory, `image-${index}`), each)
    await writeFile(join(directory, 'saved.tar'), dockerArchive(image, 'regctl:v1'))
  },

  actions: {
    async push(world) {
      const { host } = world
      await run(world, ['image', 'copy', 'ocidir://made:v1', `${host}/${APP}:v1`])
      await assertHolds({ host, name: APP, reference: 'v1' }, pieces)
      await run(world, ['image', 'import', `${host}/regctl/saved:v1`, 'saved.tar'])
      await assertImage({ host, name: 'regctl/saved', reference: 'v1' }, idOf(image))

      const pushed = await run(world, ['blob', 'put', `${host}/regctl/parts`], blob)
      assert.equal(pushed.trim(), digestOf(blob))
      assert.ok((await clientOf(world).blob('regctl/parts', digestOf(blob))).equals(blob))
      const type = ['--content-type', image.manifest.mediaType]
      await run(world, ['manifest', 'put', ...type, `${host}/${APP}:put`], image.manifest.bytes)
      assert.equal(await clientOf(world).digestOf(APP, 'put'), digest)
      const layers = image.blobs.slice(1).map((layer) => layer.digest)
      await pushesSha512(world, { host, name: APP, reference: 'v1' }, layers)
    },

    async 'pull by tag'(world) {
      const at = `${world.host}/${APP}:v1`
      await pulls(world, { host: world.host, name: APP, reference: 'v1' })
      assert.equal((await run(world, ['image', 'digest', at])).trim(), digest)
      assert.equal(await run(world, ['image', 'get-file', at, 'etc/name']), 'regctl\n')
      await run(world, ['image', 'export', at, 'exported.tar'])
      const back = { host: world.host, name: 'regctl/exported', reference: 'v1' }
      await run(world, ['image', 'import', written(back), 'exported.tar'])
      await assertHolds(back, pieces)
    },

    async 'pull by digest'(world) {
      const place = { host: world.host, name: APP, reference: digest }
      await pulls(world, place)
      const [config] = image.blobs
      const text = await run(world, ['blob', 'get', `${world.host}/${APP}`, idOf(image)])
      assert.equal(text, Buffer.from(config!.bytes).toString())
      const unknown = { ...place, reference: digestOf(Buffer.from('nothing')) }
      await refused(run(world, ['manifest', 'get', written(unknown)]), /not found/)
    },

    async 'list tags'(world) {
      const { host } = world
      await run(world, ['image', 'copy', `${host}/${APP}:v1`, `${host}/${APP}:v2`])
      const tags = async (...page: string[]) =>
        lines(await run(world, ['tag', 'ls', `${host}/${APP}`, ...page]))
      assert.deepEqual(await tags(), ['put', 'v1', 'v2'])
      assert.deepEqual(await tags('--limit=1'), ['put'])
      assert.deepEqual(await tags('--last=put'), ['v1', 'v2'])
      const repositories = lines(await run(world, ['repo', 'ls', host]))
      assert.deepEqual(repositories, await clientOf(world).catalog())
      const next = lines(await run(world, ['repo', 'ls', host, '--limit=1', '--last=regctl/app']))
      assert.deepEqual(next, ['regctl/app512'])
    },

    async 'copy to another daemon'(world) {
      const { host, other } = world
      const copied = { host: other, name: 'regctl/copied', reference: 'v1' }
      await run(world, ['image', 'copy', `${host}/${APP}@${digest}`, written(copied)])
      await assertHolds(copied, pieces)
      await run(world, ['repo', 'copy', `${host}/${APP}`, `${other}/${APP}`])
      assert.deepEqual(await clientOf({ host: other }).tags(APP), ['put', 'v1', 'v2'])
      const parts = [`${host}/regctl/parts`, `${other}/regctl/parts`]
      await run(world, ['blob', 'copy', ...parts, digestOf(blob)])
      assert.ok((await clientOf(copied).blob('regctl/parts', digestOf(blob))).equals(blob))
    },

    async delete(world) {
      const { host } = world
      await run(world, ['tag', 'rm', `${host}/${APP}:put`])
      assert.deepEqual(await clientOf(world).tags(APP), ['v1', 'v2'])
      await assertHolds({ host, name: APP, reference: 'v1' }, pieces)

      const name = 'regctl/exported'
      await run(world, ['manifest', 'delete', `${host}/${name}@${digest}`])
      for (const reference of ['v1', digest]) await assertGone({ host, name, reference })
      await run(world, ['blob', 'delete', `${host}/regctl/parts`, digestOf(blob)])
      await refused(
        run(world, ['blob', 'head', `${host}/regctl/parts`, digestOf(blob)]),
        /not found/,
      )
    },

    async 'multi-platform index'(world) {
      await makesIndex(world, 'v1', 'application/vnd.oci.image.index.v1+json')
      const type = 'application/vnd.docker.distribution.manifest.list.v2+json'
      await makesIndex(world, 'docker', type)
      const { host, other } = world
      const place = { host, name: MULTI, reference: 'v1' }
      await run(world, ['image', 'copy', written(place), written({ ...place, host: other })])
      await assertSame({ ...place, host: other }, place)
    },

    async 'artifact with subject'(world) {
      await putsArtifacts(world, APP)
      await copiesArtifacts(world, APP)
      await deletesArtifact(world, APP)
    },

    async 'pull through a mirror'(world) {
      const { host, other } = world
      const place = await mirrored(world, APP, 'v1')
      await pulls(world, place)
      await pulls(world, { ...place, reference: digest })
      const tags = lines(await run(world, ['tag', 'ls', `${place.host}/${APP}`]))
      assert.deepEqual(tags, await clientOf(world).tags(APP))
      await pulledArtifacts(world, place)
      await copiesSha512(world, place.host, other)
      const copied = { host: other, name: `${MULTI}-from-mirror`, reference: 'v1' }
      await run(world, ['image', 'copy', `${place.host}/${MULTI}:v1`, written(copied)])
      await assertSame(copied, { host, name: MULTI, reference: 'v1' })
    },
  },
}

/** Copies the image into an OCI layout, and compares all files with what was pushed. */
async function pulls(world: World, place: Place): Promise<void> {
  const to = `pulled-${place.host}-${place.reference}`.replaceAll(':', '-')
  await run(world, ['image', 'copy', written(place), `ocidir://${to}:v1`])
  for (const { digest: name, bytes } of pieces) {
    const file = join(world.directory, to, 'blobs', ...name.split(':'))
    assert.ok((await readFile(file)).equals(bytes), `${name} from ${written(place)}`)
  }
}

async function makesIndex(world: World, tag: string, type: string): Promise<void> {
  const { host } = world
  const place = { host, name: MULTI, reference: tag }
  for (const [index, architecture] of PLATFORMS.entries()) {
    const one = `${host}/${MULTI}:${tag}-${architecture}`
    const convert = /docker/.test(type) ? ['--to-docker'] : ['--to-oci']
    await run(world, ['image', 'copy', `ocidir://image-${index}:v1`, one])
    await run(world, ['image', 'mod', ...convert, '--replace', one])
    const make = index === 0 ? ['create', '--media-type', type] : ['add']
    await run(world, ['index', ...make, written(place), '--ref', one])
  }
  const answer = await clientOf(world).call('GET', `/v2/${MULTI}/manifests/${tag}`)
  assert.equal(answer.headers.get('content-type'), type)
  const { manifest } = await manifestAt(place)
  assert.deepEqual(
    manifest.manifests?.map(({ platform }) => platform?.architecture),
    [...PLATFORMS],
  )
  for (const [index, architecture] of PLATFORMS.entries()) {
    const said = await run(world, [
      ...['image', 'digest', `--platform=linux/${architecture}`, written(place)],
    ])
    await assertImage({ ...place, reference: said.trim() }, idOf(images[index]!))
  }
}
