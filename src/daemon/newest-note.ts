import { CID } from 'multiformats/cid'
import type { Notes } from '../ipfs/notes.ts'
import type { JournalEntry } from '../tree/journal.ts'

/** A commit, without what it changed. */
export type NotedCommit = Omit<JournalEntry, 'changes'>

const NAME = 'newest-commit'

/**
 * Notes which commit is the newest, outside of the database that the journal is in: LevelDB drops what it cannot read of
 * its log, and says nothing. It has the whole of a journal's entry but for the words about it.
 */
export async function noteNewest(notes: Notes, commit: NotedCommit): Promise<void> {
  const { sequence, time, public: published, private: hidden } = commit
  const text = { sequence, time, public: published.toString(), private: hidden?.toString() }
  await notes.put(NAME, Buffer.from(JSON.stringify(text)))
}

/** Nothing was ever committed, as far as this is to know. */
export async function forgetNewest(notes: Notes): Promise<void> {
  await notes.delete(NAME)
}

/** `undefined` when nothing was noted yet, or what was cannot be read: it is only a witness. */
export async function notedNewest(notes: Notes): Promise<NotedCommit | undefined> {
  const bytes = await notes.get(NAME)
  if (bytes === undefined) return undefined
  try {
    const noted = JSON.parse(Buffer.from(bytes).toString('utf8')) as { [key: string]: never }
    const { sequence, time, public: published, private: hidden } = noted
    return {
      sequence: Number(sequence),
      time: Number(time),
      public: CID.parse(published ?? ''),
      private: hidden === undefined ? undefined : CID.parse(hidden),
    }
  } catch {
    return undefined // whatever JSON or the CID's decoder thinks is wrong with it
  }
}
