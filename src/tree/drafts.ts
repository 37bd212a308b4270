import { Draft } from './draft.ts'
import { HalvesReader } from './halves-reader.ts'
import { TreeReader } from './reader.ts'
import type { BlockSource } from '../blocks/block-source.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { PublishRules } from '../oci/publish-rules.ts'
import type { RegistryReader } from '../registry/ports.ts'
import type { Roots } from './own-source.ts'
import type { CID } from 'multiformats/cid'
import type { DirectoryReader } from './directory.ts'

/** Our two trees, by their roots: the one that is published, and the one that is not; a root without a tree is `undefined`. */
export interface HalfEntries {
  readonly public: Entry | undefined
  readonly private: Entry | undefined
}

/** Our two trees while a commit is being prepared. Each repository is in one of them, as the rules say. */
export class Drafts {
  readonly public: Draft
  readonly private: Draft
  readonly rules: PublishRules

  constructor(directories: DirectoryReader, roots: HalfEntries, rules: PublishRules) {
    this.public = new Draft(directories, roots.public)
    this.private = new Draft(directories, roots.private)
    this.rules = rules
  }

  /** The tree a repository belongs into. */
  of(name: RepositoryName): Draft {
    return this.rules.isPublished(name) ? this.public : this.private
  }

  reader(blocks: BlockSource): RegistryReader {
    return new HalvesReader({
      public: new TreeReader('own', this.public, blocks),
      private: new TreeReader('own', this.private, blocks),
      rules: this.rules,
    })
  }

  /** As {@link Draft.replace}, both at once. */
  replace(roots: HalfEntries): void {
    this.public.replace(roots.public)
    this.private.replace(roots.private)
  }

  checkpoint(): void {
    this.public.checkpoint()
    this.private.checkpoint()
  }

  rollback(): void {
    this.public.rollback()
    this.private.rollback()
  }
}

/** Roots as they stand above a tree. */
export function entriesOf(roots: Roots): HalfEntries {
  const entry = (cid: CID | undefined): Entry | undefined => cid && { cid, treeSize: 0 }
  return { public: entry(roots.public), private: entry(roots.private) }
}
