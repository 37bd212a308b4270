import { digestOf, hexOf } from '../../../src/oci/digest.ts'
import { layout } from '../../../src/tree/layout.ts'
import { descriptorOf, indexOf } from '../../support/random-image.ts'
import { TYPE, putNode, putRaw } from '../trees/blocks.ts'
import { bytesFrom } from '../trees/dice.ts'
import { fileDraft, folderDraft, place } from '../trees/draft.ts'
import { putShard, slotPrefix } from '../trees/folders.ts'
import { fallbackTag, placeLink } from '../trees/registry.ts'
import { pickBlob, pickLink, pickManifest } from './scene.ts'
import { repeated } from './sizes.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import type { Link } from '../trees/blocks.ts'
import type { Dice } from '../trees/dice.ts'
import type { Mutation, Scene } from './scene.ts'

const LINKS: Record<string, (right: string, dice: Dice) => Uint8Array> = {
  'is garbage': (_, dice) => bytesFrom(`garbage ${dice.nat(1e9)}`, 71),
  'is empty': () => new Uint8Array(),
  'has a path': () => Buffer.from('sha256:../../../../etc/passwd'),
  'has another algorithm': () => Buffer.from(`sha1:${'a'.repeat(40)}`),
  'has another digest': (_, dice) => Buffer.from(digestOf(bytesFrom(`d${dice.nat(1e9)}`, 9))),
  'has spaces around its digest': (right) => Buffer.from(`  ${right}\r\n`),
  'has 10 MB': (right) => Buffer.alloc(10_000_000, right),
  'has digits in capitals': (right) => Buffer.from(right.toUpperCase()),
}

/** A subject, and the folder of what refers to it. */
function pickSubject(scene: Scene, dice: Dice) {
  const manifest = pickManifest(scene, dice)
  const { repository, digest } = manifest
  scene.suggest.push(`${repository}/referrers/${digest}`)
  return { ...manifest, folder: [...layout.referrers(repository, digest), 'sha256'] }
}

const hexOfNumber = (n: number): string => hexOf(digestOf(Buffer.from(`referrer ${n}`)))

/** So many times 65,536 names, in three nodes that stand in many places. */
function manyNames(scene: Scene, folder: readonly string[], times: number): void {
  const draft = folderDraft()
  draft.draw = (blocks) => {
    const { cid, tsize } = putRaw(blocks, Buffer.from('x'))
    const names = Array.from({ length: 256 }, (_, n): Link => ({
      name: slotPrefix(n, 256) + hexOfNumber(n),
      cid,
      tsize,
    }))
    let made = putShard(blocks, names, 256)
    for (let level = 0; level < 2; level++) {
      const links = Array.from({ length: level === 0 ? 256 : times }, (_, slot): Link => ({
        name: slotPrefix(slot, 256),
        cid: made.cid,
        tsize: 1,
      }))
      made = putShard(blocks, links, 256)
    }
    return made
  }
  place(scene.root, folder, draft)
}

export const CLAIMS: readonly Mutation[] = [
  ...Object.entries(LINKS).map(([what, make]): Mutation => ({
    name: `a link ${what}`,
    row: 'C02',
    apply(scene, dice) {
      const link = pickLink(scene, dice)
      link.bytes = make(Buffer.from(link.bytes).toString(), dice)
    },
  })),
  {
    name: 'a link is a petabyte',
    row: 'C03',
    apply(scene, dice) {
      pickLink(scene, dice).draw = (blocks) => repeated(blocks, 4, Buffer.alloc(1024))
    },
  },
  {
    name: 'a million referrers',
    row: 'C04',
    apply: (scene, dice) => manyNames(scene, pickSubject(scene, dice).folder, 16),
  },
  {
    name: '200,000 referrers',
    row: 'C04',
    apply: (scene, dice) => manyNames(scene, pickSubject(scene, dice).folder, 3),
  },
  {
    name: '200,000 tags',
    row: 'C04',
    apply: (scene, dice) => {
      const { repository } = pickManifest(scene, dice)
      manyNames(scene, layout.tags(repository), 3)
      scene.suggest.push(`${repository}/tags/list`)
    },
  },
  {
    name: '5,000 referrers that nobody has',
    row: 'C04',
    apply(scene, dice) {
      const { folder } = pickSubject(scene, dice)
      const draft = folderDraft()
      draft.draw = (blocks) => {
        const { cid, tsize } = putRaw(blocks, Buffer.from('x'))
        const links = Array.from({ length: 5000 }, (_, n): Link => ({
          name: hexOfNumber(n),
          cid,
          tsize,
        }))
        return putNode(blocks, links, { type: TYPE.directory })
      }
      place(scene.root, folder, draft)
    },
  },
  {
    name: 'everything refers to everything',
    row: 'C04',
    apply(scene) {
      const { manifests } = scene.registry
      for (const a of manifests)
        for (const b of manifests) {
          placeLink(scene.root, layout.referrer(a.repository, a.digest, b.digest), b.digest)
          scene.suggest.push(`${a.repository}/referrers/${a.digest}`)
        }
    },
  },
  {
    name: 'a fallback tag lists what does not refer, and 3,000 that nobody has',
    row: 'C04',
    apply(scene, dice) {
      const subject = pickSubject(scene, dice)
      const listed = [
        ...scene.registry.manifests.map(descriptorOf),
        ...Array.from({ length: 3000 }, (_, n) => ({
          ...descriptorOf(subject),
          digest: `sha256:${hexOfNumber(n)}` as Digest,
        })),
      ]
      const index = indexOf(listed)
      place(scene.root, layout.blobData(index.digest), fileDraft(index.bytes))
      placeLink(scene.root, layout.revision(subject.repository, index.digest), index.digest)
      placeLink(
        scene.root,
        layout.tagCurrent(subject.repository, fallbackTag(subject.digest)),
        index.digest,
      )
    },
  },
  {
    name: 'all blobs are in all repositories',
    row: 'C04',
    apply(scene, dice) {
      const { digest } = pickBlob(scene, dice)
      for (const name of scene.registry.names) {
        placeLink(scene.root, layout.layer(name, digest), digest)
        scene.suggest.push(`${name}/blobs/${digest}`)
      }
    },
  },
]
