import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../src/oci/digest.ts'
import { writeLayout } from '../e2e/support/oci-layout.ts'
import { client, refused } from './support/go-client.ts'
import {
  copiesReferrers,
  listsReferrers,
  refersByTag,
  refersThroughMirror,
} from './oras-referrers.ts'
import {
  assertGone,
  assertHolds,
  assertSame,
  clientOf,
  contentAt,
  manifestAt,
  mirrored,
  written,
} from './support/content.ts'
import { PLATFORMS, plainImage } from './support/images.ts'
import { lines } from './support/engines.ts'
import { plainHttp } from './support/transport.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const APP = 'oras/app'
const TYPE = 'application/vnd.example.app'

/** The files of the artifact, by name. The large one takes many chunks. */
const FILES = {
  'large.bin': randomBytes(12_000_000),
  'words.txt': Buffer.from('oras\n'),
}
const blob = randomBytes(200_000)
/** One image for each platform. */
const images = PLATFORMS.map((architecture) => plainImage('oras', architecture))
const digests = images.map(({ manifest }) => manifest.digest as string)

/** Artifacts of any kind, and who refers to whom. */
export const oras: Client = {
  name: 'oras',
  needs: ['oras'],

  async version(world) {
    const said = await client(world, 'oras', ['version'])
    return /Version:\s*(\S+)/.exec(said)?.[1] ?? assert.fail(said)
  },

  async start({ directory }) {
    for (const [name, bytes] of Object.entries(FILES)) await writeFile(join(directory, name), bytes)
    for (const [index, image] of images.entries())
      await writeLayout(join(directory, `image-${index}`), image)
  },

  actions: {
    async push(world) {
      const { host } = world
      const files = ['large.bin:application/octet-stream', 'words.txt:text/plain']
      const more = ['--artifact-type', TYPE, '--annotation', 'by=oras', '--format', 'json']
      const pushed = await run(world, 'push', `${host}/${APP}:v1,latest`, ...files, ...more)
      const { digest } = JSON.parse(pushed) as { digest: string }
      for (const tag of ['v1', 'latest'])
        assert.equal(await clientOf(world).digestOf(APP, tag), digest)
      await holdsFiles({ host, name: APP, reference: digest })
      await pushesBlob(world)
    },

    async 'pull by tag'(world) {
      const place = { host: world.host, name: APP, reference: 'v1' }
      await pulls(world, place)
      const { digest, bytes } = await clientOf(world).manifest(APP, 'v1')
      assert.equal((await run(world, 'resolve', written(place))).trim(), digest)
      assert.equal(await run(world, 'manifest', 'fetch', written(place)), bytes.toString())
      assert.equal(await run(world, 'manifest', 'fetch-config', written(place)), '{}')
    },

    async 'pull by digest'(world) {
      const reference = await digestAt(world)
      await pulls(world, { host: world.host, name: APP, reference })
      const words = { ...world, name: APP, reference: digestOf(FILES['words.txt']) }
      assert.equal(await run(world, 'blob', 'fetch', '-o', '-', written(words)), 'oras\n')
      const unknown = { ...words, reference: digestOf(Buffer.from('nothing')) }
      await refused(run(world, 'manifest', 'fetch', written(unknown)), /not found/)
    },

    async 'list tags'(world) {
      const { host } = world
      await run(world, 'tag', `${host}/${APP}:v1`, 'v2', 'gone')
      const tags = ['gone', 'latest', 'v1', 'v2']
      assert.deepEqual(lines(await run(world, 'repo', 'tags', `${host}/${APP}`)), tags)
      const after = await run(world, 'repo', 'tags', '--last', 'latest', `${host}/${APP}`)
      assert.deepEqual(lines(after), ['v1', 'v2'])
      const repositories = await clientOf(world).catalog()
      assert.deepEqual(lines(await run(world, 'repo', 'ls', host)), repositories)
      // Without the beginning that it was asked for.
      assert.ok(lines(await run(world, 'repo', 'ls', `${host}/oras`)).includes('app'))
    },

    async 'copy to another daemon'(world) {
      const { host, other } = world
      const place = { host, name: APP, reference: 'v1' }
      await copies(world, written(place), `${other}/${APP}:v1,copied`)
      for (const reference of ['v1', 'copied'])
        await assertSame({ ...place, host: other, reference }, place)
      await copies(world, written(place), `${host}/oras/mounted:v1`)
      await holdsFiles({ ...place, name: 'oras/mounted' })
    },

    async delete(world) {
      const { host } = world
      const name = 'oras/mounted'
      const place = { host, name, reference: 'v1' }
      const digest = await digestAt(world)
      await run(world, 'tag', written(place), 'too')
      await run(world, 'manifest', 'delete', '--force', written(place))
      for (const reference of ['v1', 'too', digest]) await assertGone({ ...place, reference })
      const words = { ...place, reference: digestOf(FILES['words.txt']) }
      await run(world, 'blob', 'delete', '--force', written(words))
      const { status } = await clientOf(world).call('HEAD', `/v2/${name}/blobs/${words.reference}`)
      assert.equal(status, 404)
      await holdsFiles({ host, name: APP, reference: 'v1' }) // another repository's
    },

    'multi-platform index': indexes,

    async 'artifact with subject'(world) {
      await listsReferrers(world, APP)
      await refersByTag(world, APP)
      await copiesReferrers(world, APP)
    },

    async 'pull through a mirror'(world) {
      const { host, mirror, other } = world
      const place = await mirrored(world, APP, 'v1')
      await pulls(world, place)
      await pulls(world, { ...place, reference: await digestAt(world) })
      const tags = lines(await run(world, 'repo', 'tags', `${mirror}/${APP}`))
      assert.deepEqual(tags, await clientOf({ host }).tags(APP))
      const index = { host: other, name: 'oras/from-mirror', reference: 'v1' }
      await copies(world, `${mirror}/oras/multi:v1`, written(index))
      await assertSame(index, { host, name: 'oras/multi', reference: 'v1' })
      await refersThroughMirror(world, APP)
    },
  },
}

/** oras' command for one registry, or for none. */
function run(world: World, ...args: string[]): Promise<string> {
  return client(world, 'oras', [...args, ...plainHttp(world.host, '--plain-http')])
}

async function copies(world: World, from: string, to: string, ...more: string[]): Promise<void> {
  const plain = plainHttp(world.host, '--from-plain-http', '--to-plain-http')
  await client(world, 'oras', ['cp', ...plain, from, to, ...more])
}

async function digestAt(world: World): Promise<string> {
  return (await manifestAt({ host: world.host, name: APP, reference: 'v1' })).digest
}

/** The manifest says what was told to `oras push`, and the files are its blobs. */
async function holdsFiles(place: Place): Promise<void> {
  const { bytes } = await clientOf(place).manifest(place.name, place.reference)
  const { artifactType, annotations, layers } = JSON.parse(bytes.toString()) as {
    artifactType: string
    annotations: Record<string, string>
    layers: { digest: string; annotations: Record<string, string> }[]
  }
  assert.equal(artifactType, TYPE)
  assert.equal(annotations['by'], 'oras')
  const content = await contentAt(place)
  assert.equal(layers.length, 2)
  for (const { digest, annotations: about } of layers) {
    const title = about['org.opencontainers.image.title']
    const file = FILES[title as keyof typeof FILES]
    assert.ok(content.get(digest)?.equals(file), `${title} at ${written(place)}`)
  }
}

async function pulls(world: World, place: Place): Promise<void> {
  const to = `pulled-${place.host}-${place.reference}`
  await run(world, 'pull', '-o', to, written(place))
  for (const [name, bytes] of Object.entries(FILES)) {
    const pulled = await readFile(join(world.directory, to, name))
    assert.ok(pulled.equals(bytes), `${name} from ${written(place)}`)
  }
}

/** A blob alone; one that breaks off is not there, and the next try finds nothing in its way. */
async function pushesBlob(world: World): Promise<void> {
  const place = { host: world.host, name: 'oras/blob', reference: digestOf(blob) }
  const args = [
    'blob',
    'push',
    ...plainHttp(place.host, '--plain-http'),
    `--size=${blob.length}`,
    written(place),
    '-',
  ]
  const part = { input: blob.subarray(0, 100_000) }
  await refused(client(world, 'oras', args, part), /ContentLength=200000 with Body length 100000/)
  const path = `/v2/${place.name}/blobs/${place.reference}`
  assert.equal((await clientOf(world).call('HEAD', path)).status, 404)
  await client(world, 'oras', args, { input: blob })
  assert.ok((await clientOf(world).blob(place.name, place.reference)).equals(blob))
}

/** An index that oras makes and changes, of images that it takes from layouts. */
async function indexes(world: World): Promise<void> {
  const { host, other } = world
  const place = { host, name: 'oras/multi', reference: 'v1' }
  const at = written(place)
  for (const [index, digest] of digests.entries()) {
    const layout = ['cp', '--from-oci-layout', `image-${index}:v1`]
    const to = [...plainHttp(host, '--to-plain-http'), `${host}/${place.name}@${digest}`]
    await client(world, 'oras', [...layout, ...to])
  }
  await run(world, 'manifest', 'index', 'create', at, digests[0]!)
  await run(world, 'manifest', 'index', 'update', at, '--add', digests[1]!)
  const { manifest } = await manifestAt(place)
  assert.deepEqual(
    manifest.manifests?.map(({ digest, platform }) => [digest, platform?.architecture]),
    PLATFORMS.map((architecture, index) => [digests[index], architecture]),
  )
  for (const [index, image] of images.entries()) {
    const platform = `--platform=linux/${PLATFORMS[index]}`
    assert.equal((await run(world, 'resolve', platform, at)).trim(), digests[index])
    const one = { host: other, name: `oras/one-${index}`, reference: 'v1' }
    await copies(world, at, written(one), platform)
    await assertHolds(one, [image.manifest, ...image.blobs])
  }
  await copies(world, at, written({ ...place, host: other }))
  await assertSame({ ...place, host: other }, place)
}
