import type { DiskBlockStore } from '../blocks/disk-block-store.ts'
import type { PublishRules } from '../oci/publish-rules.ts'
import type { DirectoryReader } from './directory.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { CID } from 'multiformats/cid'

/** What the lane works with. */
export interface LaneParts {
  blocks: Pick<DiskBlockStore, 'put' | 'link' | 'sync' | 'commit' | 'recover'> &
    Partial<Pick<DiskBlockStore, 'hold'>>
  /** Reads our own tree. */
  reader: DirectoryReader
  journal: Journal
  /** Which repositories are published; all, when it is not said. */
  rules?: PublishRules
  /**
   * Told of each new root of the published tree when it is durable, before those who wait for it are answered. It must not fail: whatever
   * follows from a new root can be done again from the journal.
   */
  onRoot: (root: CID) => Promise<void>
  /** Told of each commit when it is durable, beside {@link onRoot}. It must not fail either. */
  onCommit?: ((entry: JournalEntry) => Promise<void>) | undefined
  now: () => number
}
