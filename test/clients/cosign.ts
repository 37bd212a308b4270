import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeImage } from '../e2e/support/image.ts'
import { indexOf } from '../support/random-image.ts'
import {
  attest,
  cosign as run,
  load,
  prepare,
  referrersOf,
  remote,
  sign,
  tagAt,
  verifies,
  verifiesAttestation,
  verifiesWith,
} from './cosign-run.ts'
import { refused } from './support/go-client.ts'
import { assertGone, assertHolds, clientOf, mirrored, written } from './support/content.ts'
import { plainImage, pushable } from './support/images.ts'
import type { Client, World } from './client.ts'
import type { Place } from './support/content.ts'

const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

const image = makeImage(
  [
    [{ path: 'etc/' }, { path: 'etc/name', content: 'cosign\n' }],
    [{ path: 'random', content: randomBytes(2_000_000) }],
  ],
  ['/bin/true'],
)
const WRONG_KEY = /failed to verify signature: .*Found: 0, Expected 1/
const { digest } = image.manifest
const pieces = [image.manifest, ...image.blobs]

/** Signatures and statements about images, and those who check them. It needs nobody but the registry here. */
export const cosign: Client = {
  name: 'cosign',
  needs: ['cosign'],

  async version(world) {
    const said = JSON.parse(await run(world, 'version', '--json')) as { gitVersion: string }
    return said.gitVersion
  },

  start: prepare,

  actions: {
    async push(world) {
      const place = app(world)
      await load(world, image, place)
      await assertHolds(place, pieces)
    },

    'pull by tag': (world) => pulls(world, app(world)),

    'pull by digest': (world) => pulls(world, { ...app(world), reference: digest }),

    async 'copy to another daemon'(world) {
      const place = { ...app(world), name: 'cosign/by-tag' }
      await load(world, image, place)
      await signsByTag(world, place)
      // `cosign copy` knows no referrers: for bundles it says to use oras, or its own save and load. But load pushes a
      // bundle's manifest before its blobs, which every registry refuses that checks what a manifest names (ours takes
      // it with `validation: sparse`), so this is about what it keeps under tags.
      const copied = { host: world.other, name: 'cosign/copied', reference: 'v1' }
      await remote(world, 'copy', written(place), written(copied))
      await verifiesByTag(world, copied)
      await saves(world, place, 'saved')
      const loaded = { ...copied, name: 'cosign/loaded' }
      await remote(world, 'load', '--dir=saved', written(loaded))
      await verifies(world, loaded)
      // The copy has the image itself under the tag that lists referrers elsewhere; nothing comes of that.
      await assertHolds({ ...copied, reference: await tagAt(copied, '') }, pieces)
      assert.deepEqual(await referrersOf(copied), [])
      await sign(world, copied, 'bundle')
      assert.equal((await referrersOf(copied)).length, 1)
    },

    async delete(world) {
      const place = { ...app(world), name: 'cosign/cleaned' }
      await load(world, image, place)
      await sign(world, place, 'bundle')
      await signsByTag(world, place)
      const made = await referrersOf(place)
      assert.equal(made.length, 1)
      const suffixes = ['.sig', '.att', '.sbom']
      const tags = await Promise.all(suffixes.map((suffix) => tagAt(place, suffix)))
      await remote(world, 'clean', '--force', written(place))
      assert.deepEqual(await referrersOf(place), [])
      for (const reference of [made[0]!.digest, ...tags]) await assertGone({ ...place, reference })
      await refused(verifiesWith(world, 'cosign.pub', place), /no signatures found/)
      await assertHolds(place, pieces)
    },

    'multi-platform index': signsIndex,

    async 'artifact with subject'(world) {
      const place = app(world)
      await refused(verifiesWith(world, 'cosign.pub', place), /no signatures found/)
      await sign(world, place, 'bundle')
      await verifies(world, place)
      await sign(world, place, 'bundle', '--annotations=by=somebody')
      await verifies(world, place, 2)
      await attest(world, place, 'bundle', 'of a bundle')
      await verifiesAttestation(world, place, 'of a bundle')
      await verifies(world, place, 3) // a signed statement about it is a signature of it too
      await refused(verifiesWith(world, 'stranger.pub', place), WRONG_KEY)
      const made = await referrersOf(place)
      assert.deepEqual(
        made.map(({ artifactType }) => artifactType),
        [BUNDLE, BUNDLE, BUNDLE],
      )
      const tree = await remote(world, 'tree', written(place))
      for (const each of made) assert.ok(tree.includes(each.digest), `${each.digest} in ${tree}`)

      const old = { ...place, name: 'cosign/referrer' }
      await load(world, image, old)
      await sign(world, old, 'referrer')
      assert.equal((await referrersOf(old)).length, 1)
      await assertGone({ ...old, reference: await tagAt(old, '.sig') })
      await verifies(world, old, 1, 'referrer')
    },

    async 'pull through a mirror'(world) {
      const source = app(world)
      const [last] = (await referrersOf(source)).slice(-1)
      await mirrored(world, source.name, last!.digest)
      const place = { ...source, host: world.mirror }
      await pulls(world, place)
      await verifies(world, place, 3)
      await verifiesAttestation(world, place, 'of a bundle')
      await refused(verifiesWith(world, 'stranger.pub', place), WRONG_KEY)
      await verifiesByTag(world, { ...place, name: 'cosign/by-tag' })
      await verifies(world, { ...place, name: 'cosign/referrer' }, 1, 'referrer')

      // What it mirrors can be signed there, and is then signed there alone.
      await sign(world, place, 'bundle')
      await verifies(world, place, 4)
      await verifies(world, source, 3)
    },
  },

  cannot: { 'list tags': 'no command for it' },
}

function app({ host }: World): Place {
  return { host, name: 'cosign/app', reference: 'v1' }
}

/** Everything that cosign keeps under a tag of its own. */
async function signsByTag(world: World, place: Place): Promise<void> {
  await sign(world, place, 'tag')
  await attest(world, place, 'tag', 'of a tag')
  const about = ['--sbom=predicate.json', '--type=cyclonedx']
  await remote(world, 'attach sbom', ...about, written(place))
  const tags = await clientOf(place).tags(place.name)
  for (const suffix of ['.sig', '.att', '.sbom'])
    assert.ok(tags.includes(await tagAt(place, suffix)), `${suffix} in ${tags.join()}`)
}

async function verifiesByTag(world: World, place: Place): Promise<void> {
  await verifies(world, place)
  await verifiesAttestation(world, place, 'of a tag')
  const bill = await remote(world, 'download sbom', written(place))
  assert.deepEqual(JSON.parse(bill), { words: 'of a tag' })
  const tree = await remote(world, 'tree', written(place))
  for (const suffix of ['.sig', '.att', '.sbom'])
    assert.ok(tree.includes(await tagAt(place, suffix)), `${suffix} in ${tree}`)
}

async function saves(world: World, place: Place, to: string): Promise<void> {
  await remote(world, 'save', `--dir=${to}`, written(place))
}

/** Saves an image, and compares all its files with what was pushed. */
async function pulls(world: World, place: Place): Promise<void> {
  const to = `saved-${place.host}-${place.reference}`.replaceAll(':', '-')
  await saves(world, place, to)
  for (const { digest: name, bytes } of pieces) {
    const file = join(world.directory, to, 'blobs', ...name.split(':'))
    assert.ok((await readFile(file)).equals(bytes), `${name} from ${written(place)}`)
  }
}

/** It makes no index, but signs one with every image in it. */
async function signsIndex(world: World): Promise<void> {
  const name = 'cosign/multi'
  const place = { host: world.host, name, reference: 'v1' }
  const images = ['amd64', 'arm64'].map((architecture) => plainImage('cosign', architecture))
  for (const each of images) await clientOf(place).pushImage(name, pushable(each))
  const index = indexOf(images.map(({ manifest }) => manifest))
  await clientOf(place).pushImage(name, index, { tag: 'v1' })
  await sign(world, place, 'bundle', '--recursive')
  for (const { digest: reference } of [index, ...images.map(({ manifest }) => manifest)]) {
    await verifies(world, { ...place, reference })
    assert.equal((await referrersOf({ ...place, reference })).length, 1)
  }
}
