import { layout } from '../../../src/tree/layout.ts'
import { at, everythingIn } from '../trees/draft.ts'
import type { CID } from 'multiformats/cid'
import type { Digest } from '../../../src/oci/digest.ts'
import type { Blocks } from '../trees/blocks.ts'
import type { Dice } from '../trees/dice.ts'
import type { FileDraft, FolderDraft } from '../trees/draft.ts'
import type { HonestBlob, HonestManifest, HonestRegistry } from '../trees/registry.ts'

/** A path of the registry API that a change suggests to ask for, below `/v2/`. */
export type Suggestion = string

/** The tree of a hostile mirror while it is being made worse. */
export interface Scene {
  /** The truth, which the next mirror has. */
  readonly registry: HonestRegistry
  /** What is drawn in the end. */
  readonly root: FolderDraft
  /** Done to the blocks once they are drawn. */
  readonly spoil: ((blocks: Blocks, root: CID) => void)[]
  /** What to ask for besides all that is honest. */
  readonly suggest: Suggestion[]
}

/** One way to be hostile. */
export interface Mutation {
  readonly name: string
  /** Row of the fault list. */
  readonly row: string
  /** @throws NothingToPick when there is nothing it could be done to */
  readonly apply: (scene: Scene, dice: Dice) => void
}

/** The file of a blob's or manifest's bytes, in the hostile tree. */
export function dataOf({ root }: Scene, digest: Digest): FileDraft {
  const node = at(root, layout.blobData(digest))
  if (node?.kind !== 'file') throw new Error(`no data of ${digest}`)
  return node
}

/** A blob, rather one with some bytes. */
export function pickBlob({ registry: { blobs } }: Scene, dice: Dice, least = 0): HonestBlob {
  const some = blobs.filter(({ size }) => size > least)
  return dice.pick(some.length > 0 ? some : blobs)
}

export function pickManifest({ registry }: Scene, dice: Dice): HonestManifest {
  return dice.pick(registry.manifests)
}

/** A manifest with a tag. */
export function pickTag({ registry }: Scene, dice: Dice): HonestManifest & { tag: string } {
  return dice.pick(
    registry.manifests.flatMap((each) =>
      each.tag === undefined ? [] : [{ ...each, tag: each.tag }],
    ),
  )
}

/** A folder on the way to something. */
export function pickFolder({ root }: Scene, dice: Dice): FolderDraft {
  const folders = [...everythingIn(root)].flatMap(({ node }) =>
    node.kind === 'folder' ? [node] : [],
  )
  return dice.pick(folders)
}

/** A `link` file. */
export function pickLink({ root }: Scene, dice: Dice): FileDraft {
  const links = [...everythingIn(root)].flatMap(({ path, node }) =>
    node.kind === 'file' && path.at(-1) === 'link' ? [node] : [],
  )
  return dice.pick(links)
}

/** The file of any content: mostly of a blob, else of a manifest. */
export function pickData(scene: Scene, dice: Dice): FileDraft {
  const isBlob = dice.nat(3) > 0
  return dataOf(scene, (isBlob ? pickBlob(scene, dice) : pickManifest(scene, dice)).digest)
}

/** The folder at a path that is there in every tree. */
export function folderAt({ root }: Scene, path: readonly string[]): FolderDraft {
  const node = at(root, path)
  if (node?.kind !== 'folder') throw new Error(`no folder at ${path.join('/')}`)
  return node
}
