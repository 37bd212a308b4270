import { Draft } from '../../../src/tree/draft.ts'
import { Drafts } from '../../../src/tree/drafts.ts'
import type { BlockOptions } from '../../../src/blocks/block-store.ts'
import type { Entry } from '../../../src/blocks/nodes.ts'
import type { DirectoryReader } from '../../../src/tree/directory.ts'
import type { Path } from '../../../src/tree/layout.ts'
import type { PublishRules } from '../../../src/oci/publish-rules.ts'

/** What an edit does at a path: a file is put there, or what is there goes. */
export interface PathChange {
  readonly path: Path
  readonly file: Entry | undefined
}

/** A draft that only notes what is to be done, for somebody else to do. */
class RecordedDraft extends Draft {
  readonly changes: PathChange[] = []

  override async set(path: Path, file: Entry, options?: BlockOptions): Promise<void> {
    await super.set(path, file, options)
    this.changes.push({ path, file })
  }

  override async remove(path: Path, options?: BlockOptions): Promise<void> {
    await super.remove(path, options)
    this.changes.push({ path, file: undefined })
  }
}

/** Our tree in the middle of an edit, of which only the published half is used. */
export class RecordedDrafts extends Drafts {
  override readonly public: RecordedDraft

  constructor(directories: DirectoryReader, root: Entry, rules: PublishRules) {
    super(directories, { public: root, private: undefined }, rules)
    this.public = new RecordedDraft(directories, root)
  }
}
