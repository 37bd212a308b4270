import type { CheckedBlocks } from '../blocks/checked-blocks.ts'
import type { Pace } from '../blocks/pace.ts'
import type { Path } from './layout.ts'
import type { CID } from 'multiformats/cid'

/** Something in a tree that is not as it should be. */
export interface TreeProblem {
  /** A block that is damaged or missing; or what is whole and wrong. */
  readonly kind: 'block' | 'directory' | 'link' | 'content' | 'manifest'
  readonly message: string
  /** The block, or what is wrong. */
  readonly cid: CID
  readonly path: Path
}

/** What was looked at; each thing counts once, in however many trees it is. */
export interface TreeCounts {
  directories: number
  links: number
  contents: number
  manifests: number
}

/** What a {@link TreeCheck} works with. */
export interface TreeCheckParts {
  readonly blocks: CheckedBlocks
  readonly pace: Pace
  readonly counts: TreeCounts
  readonly onProblem: (problem: TreeProblem) => void
}
