import { DamagedJournalError } from './journal.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { JournalEntry } from './journal.ts'
import type { Change } from './transaction.ts'

/** Commits of earlier lives of the process, from the newest back. */
export type History = () => AsyncIterable<Pick<JournalEntry, 'changes'>>

/** Blobs that are remembered, at some 250 bytes of memory each. */
const MAX = 20_000

/**
 * In which repository each blob was linked last, as far as it is remembered: only ever a hint. It is kept in memory and
 * made anew from the journal when it is first asked for something older than this process, so that it costs pushes
 * nothing and is right for whatever tree the journal leads to.
 */
export class LinkHints {
  readonly #history: History
  readonly #max: number
  /** In the order in which they were linked; the oldest goes first. */
  readonly #names = new Map<Digest, RepositoryName>()
  #recalled: Promise<void> | undefined

  constructor(history: History, max: number = MAX) {
    this.#history = history
    this.#max = max
  }

  /** Remembers what a commit linked. */
  note(changes: readonly Change[]): void {
    for (const { action, name, digest } of changes) {
      if (action === 'link' && digest !== undefined) this.set(digest, name)
    }
  }

  set(digest: Digest, name: RepositoryName): void {
    this.#names.delete(digest) // so that the map's order is the order of age
    this.#names.set(digest, name)
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= this.#max) break
      this.#names.delete(oldest)
    }
  }

  async get(digest: Digest): Promise<RepositoryName | undefined> {
    if (!this.#names.has(digest)) await this.#recall()
    return this.#names.get(digest)
  }

  /** Drops a hint that was wrong. */
  forget(digest: Digest): void {
    this.#names.delete(digest)
  }

  /** Reads the history, once: what has happened since has been noted. */
  async #recall(): Promise<void> {
    this.#recalled ??= this.#read()
    try {
      await this.#recalled
    } catch (error) {
      this.#recalled = undefined // the next one reads again
      throw error
    }
  }

  async #read(): Promise<void> {
    const older = new Map<Digest, RepositoryName>()
    try {
      for await (const { changes } of this.#history()) {
        for (const { action, name, digest } of changes.toReversed()) {
          if (action === 'link' && digest !== undefined && !older.has(digest))
            older.set(digest, name)
        }
        if (older.size >= this.#max) break
      }
    } catch (error) {
      if (!(error instanceof DamagedJournalError)) throw error // what lies behind it stays unknown
    }
    const newer = [...this.#names]
    this.#names.clear()
    for (const [digest, name] of [...[...older].toReversed(), ...newer]) this.set(digest, name)
  }
}
