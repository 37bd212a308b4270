import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { digestOf } from '../../src/oci/digest.ts'
import { makeImage } from '../e2e/support/image.ts'
import { writeLayout } from '../e2e/support/oci-layout.ts'
import { tar } from '../e2e/support/tar.ts'
import { client, refused } from './support/go-client.ts'
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
import { artifactAbout, dockerArchive, idOf } from './support/images.ts'
import { lines } from './support/engines.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const APP = 'crane/app'
const MULTI = 'crane/multi'
const SBOM = 'application/vnd.example.sbom'

const image = makeImage(
  [
    [{ path: 'etc/' }, { path: 'etc/name', content: 'crane\n' }],
    [{ path: 'random', content: randomBytes(3_000_000) }],
  ],
  ['/bin/true'],
)
const { digest } = image.manifest
const pieces = [image.manifest, ...image.blobs]
const configText = Buffer.from(image.blobs[0]!.bytes).toString()
/** crane makes no artifacts, but pushes what a layout holds as it is. */
const artifact = artifactAbout(image.manifest, SBOM, 'crane')

/** go-containerregistry's command line. */
export const crane: Client = {
  name: 'crane',
  needs: ['crane'],
  version: async (world) => (await run(world, 'version')).trim(),

  async start({ directory }) {
    await writeLayout(join(directory, 'made'), image)
    await writeLayout(join(directory, 'artifact'), artifact)
    await writeFile(join(directory, 'saved.tar'), dockerArchive(image, 'crane:v1'))
    await writeFile(join(directory, 'more.tar'), tar([{ path: 'more', content: 'appended\n' }]))
  },

  actions: {
    async push(world) {
      const { host } = world
      const pushed = await run(world, 'push', 'made', `${host}/${APP}:v1`)
      assert.equal(pushed.trim(), `${host}/${APP}@${digest}`)
      await assertHolds({ host, name: APP, reference: 'v1' }, pieces)
      // A second time everything is there already.
      await run(world, 'push', 'made', `${host}/${APP}:again`)
      assert.equal(await clientOf(world).digestOf(APP, 'again'), digest)
      await pushesArchive(world)
      await appends(world)
    },

    async 'pull by tag'(world) {
      const at = `${world.host}/${APP}:v1`
      assert.equal((await run(world, 'digest', at)).trim(), digest)
      const manifest = await run(world, 'manifest', at)
      assert.equal(manifest, Buffer.from(image.manifest.bytes).toString())
      assert.equal(await run(world, 'config', at), configText)
      await pulls(world, { host: world.host, name: APP, reference: 'v1' })
      await run(world, 'export', at, 'files.tar')
      const files = await readFile(join(world.directory, 'files.tar'))
      assert.ok(files.includes('crane\n'), 'the file system that it exports')
    },

    async 'pull by digest'(world) {
      const at = `${world.host}/${APP}`
      await pulls(world, { host: world.host, name: APP, reference: digest })
      assert.equal(await run(world, 'blob', `${at}@${idOf(image)}`), configText)
      const unknown = digestOf(Buffer.from('nothing'))
      await refused(run(world, 'manifest', `${at}@${unknown}`), /MANIFEST_UNKNOWN/)
    },

    async 'list tags'(world) {
      const { host } = world
      await run(world, 'tag', `${host}/${APP}:v1`, 'v2')
      const tags = lines(await run(world, 'ls', `${host}/${APP}`))
      assert.deepEqual(tags, ['again', 'v1', 'v2'])
      const repositories = lines(await run(world, 'catalog', host))
      assert.deepEqual(repositories, await clientOf(world).catalog())
      assert.ok(repositories.includes(APP))
      await refused(run(world, 'ls', `${host}/crane/none`), /NAME_UNKNOWN/)
    },

    async 'copy to another daemon'(world) {
      const { host, other } = world
      await run(world, 'copy', `${host}/${APP}:v1`, `${other}/crane/copied:v1`)
      await assertHolds({ host: other, name: 'crane/copied', reference: 'v1' }, pieces)
      await run(world, 'copy', '--all-tags', `${host}/${APP}`, `${other}/${APP}`)
      assert.deepEqual(await clientOf({ host: other }).tags(APP), ['again', 'v1', 'v2'])
      // Within one registry blobs are mounted.
      await run(world, 'copy', `${host}/${APP}@${digest}`, `${host}/crane/mounted:v1`)
      await assertHolds({ host, name: 'crane/mounted', reference: 'v1' }, pieces)
    },

    async delete(world) {
      const { host } = world
      await run(world, 'delete', `${host}/${APP}:again`)
      assert.deepEqual(await clientOf(world).tags(APP), ['v1', 'v2'])
      await assertHolds({ host, name: APP, reference: 'v1' }, pieces)

      const name = 'crane/mounted'
      await run(world, 'tag', `${host}/${name}:v1`, 'too')
      await run(world, 'delete', `${host}/${name}@${digest}`)
      assert.deepEqual(await clientOf(world).tags(name), [])
      for (const reference of ['v1', 'too', digest]) await assertGone({ host, name, reference })
      await refused(run(world, 'delete', `${host}/${name}@${digest}`), /MANIFEST_UNKNOWN/)
    },

    async 'multi-platform index'(world) {
      const { host, other } = world
      const own = `${host}/${APP}`
      const at = `${host}/${MULTI}`
      await run(world, 'mutate', `${own}:v1`, '--set-platform=linux/s390x', '-t', `${own}:s390x`)
      const second = await clientOf(world).digestOf(APP, 's390x')
      await run(world, 'index', 'append', '-m', `${own}:v1`, '-m', `${own}:s390x`, '-t', `${at}:v1`)
      const index = { host, name: MULTI, reference: 'v1' }
      assert.deepEqual(await childrenOf(index), [digest, second])
      const found = await run(world, 'digest', '--platform=linux/s390x', `${at}:v1`)
      assert.equal(found.trim(), second)
      assert.match(await run(world, 'validate', '--remote', `${at}:v1`), /^PASS/)

      await run(world, 'index', 'filter', `${at}:v1`, '--platform=linux/s390x', '-t', `${at}:one`)
      assert.deepEqual(await childrenOf({ ...index, reference: 'one' }), [second])
      await run(world, 'copy', `${at}:v1`, `${other}/${MULTI}:v1`)
      await assertSame({ ...index, host: other }, index)
      // A whole layout is pushed as an index too.
      await run(world, 'push', '--index', 'made', `${host}/crane/whole:v1`)
      assert.deepEqual(await childrenOf({ ...index, name: 'crane/whole' }), [digest])
    },

    async 'artifact with subject'(world) {
      const { host, other } = world
      const at = `${APP}@${artifact.manifest.digest}`
      await run(world, 'push', 'artifact', `${host}/${at}`)
      await listsArtifact(host)
      await run(world, 'copy', `${host}/${at}`, `${other}/${at}`)
      await listsArtifact(other)
    },

    async 'pull through a mirror'(world) {
      const { host, mirror, other } = world
      await mirrored(world, APP, artifact.manifest.digest)
      await pulls(world, { host: mirror, name: APP, reference: 'v1' })
      await pulls(world, { host: mirror, name: APP, reference: digest })
      assert.match(await run(world, 'validate', '--remote', `${mirror}/${MULTI}:v1`), /^PASS/)
      const tags = lines(await run(world, 'ls', `${mirror}/${APP}`))
      assert.deepEqual(tags, await clientOf({ host }).tags(APP))
      await listsArtifact(mirror)

      const copied = { host: other, name: 'crane/from-mirror', reference: 'v1' }
      await run(world, 'copy', `${mirror}/${MULTI}:v1`, written(copied))
      await assertSame(copied, { host, name: MULTI, reference: 'v1' })
    },
  },
}

function run(world: World, ...args: string[]): Promise<string> {
  return client(world, 'crane', args)
}

/** From what `docker save` wrote: the Docker types stay as crane sent them. */
async function pushesArchive(world: World): Promise<void> {
  const place = { host: world.host, name: 'crane/saved', reference: 'v1' }
  const pushed = await run(world, 'push', 'saved.tar', written(place))
  const found = await assertImage(place, idOf(image))
  assert.equal(pushed.trim(), written({ ...place, reference: found }))
  const { headers } = await clientOf(world).call('HEAD', '/v2/crane/saved/manifests/v1')
  const type = 'application/vnd.docker.distribution.manifest.v2+json'
  assert.equal(headers.get('content-type'), type)
}

/** A layer on top of an image in another repository: what is below it is mounted. */
async function appends(world: World): Promise<void> {
  const place = { host: world.host, name: 'crane/appended', reference: 'v1' }
  await run(
    world,
    'append',
    '-b',
    `${world.host}/${APP}:v1`,
    '-f',
    'more.tar',
    '-t',
    written(place),
  )
  const { manifest } = await manifestAt(place)
  const digests = manifest.layers?.map((layer) => layer.digest) ?? []
  const below = image.blobs.slice(1).map((layer) => layer.digest as string)
  assert.deepEqual(digests.slice(0, -1), below)
  const top = await clientOf(world).blob(place.name, digests.at(-1)!)
  assert.ok(gunzipSync(top).includes('appended\n'))
}

/** Pulls the image into an OCI layout and compares all files with what was pushed; crane itself validates it too. */
async function pulls(world: World, place: Place): Promise<void> {
  const to = `pulled-${place.host}-${place.reference}`
  await mkdir(join(world.directory, to))
  await run(world, 'pull', '--format=oci', written(place), to)
  for (const { digest: name, bytes } of pieces) {
    const file = join(world.directory, to, 'blobs', ...name.split(':'))
    assert.ok((await readFile(file)).equals(bytes), `${name} from ${written(place)}`)
  }
  assert.match(await run(world, 'validate', '--remote', written(place)), /^PASS/)
}

async function childrenOf(place: Place): Promise<string[] | undefined> {
  const { manifest } = await manifestAt(place)
  return manifest.manifests?.map((child) => child.digest)
}

/** The registry says who refers to the image, so crane keeps no list of its own under a tag. */
async function listsArtifact(host: string): Promise<void> {
  const { mediaType, digest: reference, size } = artifact.manifest
  await assertHolds({ host, name: APP, reference }, [artifact.manifest, ...artifact.blobs])
  const { manifests } = await clientOf({ host }).referrers(APP, digest)
  assert.deepEqual(manifests, [{ mediaType, digest: reference, size, artifactType: SBOM }])
  const tags = await clientOf({ host }).tags(APP)
  assert.ok(!tags.some((tag) => tag.startsWith('sha256-')), tags.join())
}
