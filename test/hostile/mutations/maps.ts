import { digestOf } from '../../../src/oci/digest.ts'
import { layout } from '../../../src/tree/layout.ts'
import { jsonPiece } from '../../support/random-image.ts'
import { bytesFrom } from '../trees/dice.ts'
import { fileDraft, place } from '../trees/draft.ts'
import { placeLink } from '../trees/registry.ts'
import { dataOf, pickBlob, pickManifest, pickTag } from './scene.ts'
import type { Dice } from '../trees/dice.ts'
import type { Mutation, Scene } from './scene.ts'

type Lie = (truth: Uint8Array, dice: Dice, scene: Scene) => Uint8Array

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** What a hostile tree may say a blob is. */
const BLOB_LIES: Record<string, Lie> = {
  'other bytes of the same size': ({ length }, dice) => bytesFrom(`lie ${dice.nat(1e9)}`, length),
  'its beginning': (truth, dice) => truth.subarray(0, dice.nat(Math.max(1, truth.length))),
  'its bytes and more': (truth, dice) =>
    Buffer.concat([truth, bytesFrom('more', 1 + dice.nat(2 ** 20))]),
  'nothing at all': () => new Uint8Array(),
  'its bytes, but the first is wrong': (truth) => flipped(truth, 0),
  'its bytes, but the last is wrong': (truth) => flipped(truth, truth.length - 1),
  'its first whole leaves': (truth) => truth.subarray(0, truth.length - (truth.length % 2 ** 20)),
  'another blob': (_, dice, scene) => pickBlob(scene, dice).bytes,
  'a manifest': (_, dice, scene) => pickManifest(scene, dice).bytes,
}

/** What it may say a manifest is. */
const MANIFEST_LIES: Record<string, Lie> = {
  'another manifest': (_, dice, scene) => pickManifest(scene, dice).bytes,
  'no manifest': () => Buffer.from('{}'),
  'nothing at all': () => new Uint8Array(),
  'more than a manifest may have': () => Buffer.alloc(5 * 2 ** 20, ' '),
  'its bytes, but the last is wrong': (truth) => flipped(truth, truth.length - 1),
}

/** Manifests that are what their digest says, and not what a client may be given. */
const ODD_MANIFESTS: Record<string, () => Uint8Array> = {
  'of an unknown type': () => json({ schemaVersion: 2, mediaType: 'text/html', config: {} }),
  'of no type and no shape': () => json({ hello: 'world' }),
  'of the first schema': () => json({ schemaVersion: 1, name: 'app', fsLayers: [], history: [] }),
  'that is an index by its type and an image by its shape': () =>
    json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      config: {},
      layers: [],
    }),
  'that is no JSON': () => Buffer.from('<html>'),
  'nested 100,000 deep': () => Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  'with 20,000 layers': () => {
    const layer = { mediaType: 'a/b', digest: digestOf(Buffer.from('x')), size: 1 }
    return json({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: layer,
      layers: Array.from({ length: 20_000 }, () => layer),
    })
  },
}

export const MAPS: readonly Mutation[] = [
  ...Object.entries(BLOB_LIES).map(([what, lie]): Mutation => ({
    name: `a blob is ${what}`,
    row: 'C01',
    apply(scene, dice) {
      const blob = pickBlob(scene, dice)
      dataOf(scene, blob.digest).bytes = lie(blob.bytes, dice, scene)
    },
  })),
  ...Object.entries(MANIFEST_LIES).map(([what, lie]): Mutation => ({
    name: `a manifest is ${what}`,
    row: 'C02',
    apply(scene, dice) {
      const manifest = pickManifest(scene, dice)
      dataOf(scene, manifest.digest).bytes = lie(manifest.bytes, dice, scene)
    },
  })),
  ...Object.entries(ODD_MANIFESTS).map(([what, make]): Mutation => ({
    name: `a tag points to a document ${what}`,
    row: 'C02',
    apply(scene, dice) {
      const { repository, tag } = pickTag(scene, dice)
      const bytes = make()
      const digest = digestOf(bytes)
      place(scene.root, layout.blobData(digest), fileDraft(bytes))
      placeLink(scene.root, layout.revision(repository, digest), digest)
      placeLink(scene.root, layout.tagCurrent(repository, tag), digest)
      scene.suggest.push(`${repository}/manifests/${digest}`, `${repository}/blobs/${digest}`)
    },
  })),
  {
    name: 'a tag points to a blob',
    row: 'C02',
    apply(scene, dice) {
      const { repository, tag } = pickTag(scene, dice)
      placeLink(scene.root, layout.tagCurrent(repository, tag), pickBlob(scene, dice).digest)
    },
  },
  {
    name: 'a tag points to what nobody has',
    row: 'C02',
    apply(scene, dice) {
      const { repository, tag } = pickTag(scene, dice)
      const digest = digestOf(bytesFrom(`nobody ${dice.nat(1e9)}`, 20))
      placeLink(scene.root, layout.tagCurrent(repository, tag), digest)
      scene.suggest.push(`${repository}/manifests/${digest}`)
    },
  },
]

function json(value: object): Uint8Array {
  return jsonPiece(value, MANIFEST).bytes
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  if (at >= 0 && at < copy.length) copy[at] = copy[at]! ^ 1
  return copy
}
