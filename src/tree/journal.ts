import { CID } from 'multiformats/cid'
import { sha256 } from '../blocks/cids.ts'
import { UNTIL } from './lost-end.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { StateDb, StateWrite } from '../blocks/state-db.ts'
import type { Change } from './transaction.ts'

/** One commit: the roots it led to, when, and what changed. Every root is an immutable snapshot of the registry. */
export interface JournalEntry {
  /** Counts commits from 1. */
  readonly sequence: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Root of the published tree. */
  readonly public: CID
  /** Root of the tree that is not published; none while no repository is in it. */
  readonly private: CID | undefined
  readonly changes: readonly Change[]
}

const PREFIX = Buffer.from('j/')
/**
 * Where the sequence of the newest commit with a root is, by the root's hash: as the published one, and as the other. A
 * tree may be the one today that was the other before.
 */
const ROOT_PREFIX = Buffer.from('jr/')
const PRIVATE_PREFIX = Buffer.from('jp/')
const CHECKSUM = 32

/** Entries that are taken away together. */
const TRIM_BATCH = 256

/** Which entries of the journal are kept. The newest always is. */
export interface Keep {
  /** How long one is kept after another took its place, in ms. */
  readonly keepFor: number
  /** How many are kept at most. */
  readonly most: number
}

/** An entry of the journal that cannot be read back. The commit it stood for is not rolled back silently. */
export class DamagedJournalError extends Error {
  static override readonly name = 'DamagedJournalError'
  override readonly name = 'DamagedJournalError'
}

/**
 * The registry's history, in the state database. The newest entry is the truth about the tree: it is written in the
 * same synced batch as the small blocks of its root, so either all of a commit is there or nothing.
 */
export class Journal {
  readonly #state: StateDb

  constructor(state: StateDb) {
    this.#state = state
  }

  /** The writes that add an entry, for the commit's batch. */
  write(entry: JournalEntry): StateWrite[] {
    const key = keyOf(entry.sequence)
    return [
      { key, value: encode(entry) },
      { key: rootKey(ROOT_PREFIX, entry.public), value: key.subarray(PREFIX.length) },
      ...(entry.private === undefined
        ? []
        : [{ key: rootKey(PRIVATE_PREFIX, entry.private), value: key.subarray(PREFIX.length) }]),
    ]
  }

  /**
   * The newest entry that can be read, and what is wrong with a newer one. Whoever gets `damage` must not go on from
   * the entry as if nothing had been: that would undo acknowledged pushes without anybody knowing.
   */
  async newest(): Promise<{
    entry: JournalEntry | undefined
    damage: DamagedJournalError | undefined
  }> {
    let damage: DamagedJournalError | undefined
    for await (const [key, value] of this.#state.entries(PREFIX, { reverse: true })) {
      try {
        return { entry: decode(sequenceOf(key), value), damage }
      } catch (error) {
        if (!(error instanceof DamagedJournalError)) throw error
        damage ??= error
      }
    }
    return { entry: undefined, damage }
  }

  /**
   * The writes that make another entry the newest, in the place of those after the newest that can be read: they are
   * damaged. Without an entry, that one is the newest then.
   */
  async replaceEnd(entry?: Omit<JournalEntry, 'sequence'>): Promise<StateWrite[]> {
    const writes: StateWrite[] = []
    let last = 0
    for await (const [key, value] of this.#state.entries(PREFIX, { reverse: true })) {
      try {
        last = decode(sequenceOf(key), value).sequence
        break
      } catch (error) {
        if (!(error instanceof DamagedJournalError)) throw error
        writes.push({ key, value: undefined })
      }
    }
    return entry === undefined
      ? writes
      : [...writes, ...this.write({ ...entry, sequence: last + 1 })]
  }

  /**
   * Whether a root is one of a commit that can be looked up: two questions to the database, for clients to ask. Where the
   * root is found is only a hint: what counts is the entry.
   */
  async knows(root: CID): Promise<boolean> {
    return (await this.#indexed(ROOT_PREFIX, root))?.public.equals(root) === true
  }

  /** The newest commit that has a root, published or not. */
  async find(root: CID): Promise<JournalEntry | undefined> {
    const published = await this.#indexed(ROOT_PREFIX, root)
    const other = await this.#indexed(PRIVATE_PREFIX, root)
    return (other?.sequence ?? 0) > (published?.sequence ?? 0) ? other : published
  }

  async #indexed(prefix: Uint8Array, root: CID): Promise<JournalEntry | undefined> {
    const sequence = await this.#sequence(prefix, root)
    if (sequence === undefined) return undefined
    try {
      const entry = await this.entry(sequence)
      const isOfIt = entry?.public.equals(root) === true || entry?.private?.equals(root) === true
      return isOfIt ? entry : undefined
    } catch (error) {
      if (error instanceof DamagedJournalError) return undefined // it says nothing of this root
      throw error
    }
  }

  /**
   * Whether a root was ours, published or not, and the entries that had it were taken away since. One that is missing
   * after others is no such: it was lost.
   */
  async isTrimmed(root: CID): Promise<boolean> {
    return (
      (await this.#isTrimmed(ROOT_PREFIX, root)) || (await this.#isTrimmed(PRIVATE_PREFIX, root))
    )
  }

  async #isTrimmed(prefix: Uint8Array, root: CID): Promise<boolean> {
    const sequence = await this.#sequence(prefix, root)
    const oldest = await this.oldest()
    return sequence !== undefined && oldest !== undefined && sequence < oldest
  }

  async #sequence(prefix: Uint8Array, root: CID): Promise<number | undefined> {
    const value = await this.#state.get(rootKey(prefix, root))
    return value && Number(Buffer.from(value).readBigUInt64BE())
  }

  /**
   * Whether a root was ever published by us, also in a history that began before roots could be looked up, or whose index is gone.
   * It may read all of it, from the newest end, so it is for rare questions.
   */
  async has(root: CID): Promise<boolean> {
    if ((await this.knows(root)) || (await this.#isTrimmed(ROOT_PREFIX, root))) return true
    for await (const [key, value] of this.#state.entries(PREFIX, { reverse: true })) {
      try {
        if (decode(sequenceOf(key), value).public.equals(root)) return true
      } catch (error) {
        if (!(error instanceof DamagedJournalError)) throw error // it says nothing of this root
      }
    }
    return false
  }

  /**
   * Entries from the newest to the oldest.
   *
   * @param options `before`: only those before this sequence
   */
  async *entries(
    options: { limit?: number; before?: number | undefined } = {},
  ): AsyncGenerator<JournalEntry> {
    const { before, ...rest } = options
    const end = before === undefined ? {} : { before: keyOf(before) }
    for await (const [key, value] of this.#state.entries(PREFIX, {
      ...rest,
      ...end,
      reverse: true,
    })) {
      yield decode(sequenceOf(key), value)
    }
  }

  /** All entries that can be read, from the newest to the oldest. */
  async *readable(): AsyncGenerator<JournalEntry> {
    for await (const [key, value] of this.#state.entries(PREFIX, { reverse: true })) {
      try {
        yield decode(sequenceOf(key), value)
      } catch (error) {
        if (!(error instanceof DamagedJournalError)) throw error // heliport fsck tells of it
      }
    }
  }

  /** Entries after a sequence, from the oldest to the newest. @throws DamagedJournalError */
  async *after(sequence: number): AsyncGenerator<JournalEntry> {
    for await (const [key, value] of this.#state.entries(PREFIX, { after: keyOf(sequence) }))
      yield decode(sequenceOf(key), value)
  }

  /**
   * The first entry that is to be kept; those before it go. Looks at those that go, and one more.
   *
   * @param now ms since the epoch
   * @throws DamagedJournalError when it cannot tell how old an entry is
   */
  async firstKept({ keepFor, most }: Keep, now: number): Promise<number> {
    const { entry: newest } = await this.newest()
    if (newest === undefined) return 0
    const least = newest.sequence - most + 1
    let before: number | undefined
    for await (const [key, value] of this.#state.entries(PREFIX)) {
      const { sequence, time } = decode(sequenceOf(key), value)
      // An entry is as old as the one that took its place.
      if (before !== undefined && before >= least && time > now - keepFor) return before
      before = sequence
      if (sequence === newest.sequence) break
    }
    return newest.sequence
  }

  /** The number of the oldest entry; `undefined` when there is none. */
  async oldest(): Promise<number | undefined> {
    const [key] = await this.#state.keys(PREFIX, { after: undefined, limit: 1 })
    return key && sequenceOf(key)
  }

  /**
   * Takes away the entries before one. Their roots go on to be known as ours, but not what they were. Only for the
   * collector, which takes their blocks afterwards.
   *
   * @returns how many
   */
  async trim(first: number, { signal }: BlockOptions = {}): Promise<number> {
    for (let trimmed = 0; ;) {
      signal?.throwIfAborted()
      const keys = await this.#state.keys(PREFIX, { after: undefined, limit: TRIM_BATCH })
      const old = keys.filter((key) => sequenceOf(key) < first)
      await this.#state.write(old.map((key) => ({ key, value: undefined })))
      trimmed += old.length
      if (old.length < TRIM_BATCH) return trimmed
    }
  }

  /**
   * The numbers of some commits, from the newest to the oldest, whether they can be read or not.
   *
   * @param before only those before this one
   */
  async numbers(before: number | undefined, limit: number): Promise<number[]> {
    const end = before === undefined ? {} : { before: keyOf(before) }
    const entries = this.#state.entries(PREFIX, { ...end, limit, reverse: true })
    return Array.fromAsync(entries, ([key]) => sequenceOf(key))
  }

  /** One commit; `undefined` when there is none of that number. */
  async entry(sequence: number): Promise<JournalEntry | undefined> {
    const value = await this.#state.get(keyOf(sequence))
    return value === undefined ? undefined : decode(sequence, value)
  }
}

function keyOf(sequence: number): Uint8Array {
  const key = Buffer.alloc(PREFIX.length + 8)
  PREFIX.copy(key)
  key.writeBigUInt64BE(BigInt(sequence), PREFIX.length)
  return key
}

function rootKey(prefix: Uint8Array, root: CID): Uint8Array {
  return Buffer.concat([prefix, root.multihash.digest])
}

function sequenceOf(key: Uint8Array): number {
  return Number(Buffer.from(key).readBigUInt64BE(PREFIX.length))
}

function encode(entry: JournalEntry): Uint8Array {
  const json = Buffer.from(
    JSON.stringify({
      time: entry.time,
      public: entry.public.toString(),
      private: entry.private?.toString(),
      changes: entry.changes,
    }),
  )
  return Buffer.concat([sha256(json), json])
}

function decode(sequence: number, value: Uint8Array): JournalEntry {
  const bytes = Buffer.from(value)
  const json = bytes.subarray(CHECKSUM)
  if (bytes.length < CHECKSUM || !bytes.subarray(0, CHECKSUM).equals(sha256(json))) {
    throw new DamagedJournalError(
      `journal entry ${sequence} is damaged, so the newest state of the registry is not known. ${UNTIL}`,
    )
  }
  const entry = JSON.parse(json.toString('utf8')) as { [key: string]: never }
  return {
    sequence,
    time: entry['time'] ?? 0,
    public: CID.parse(entry['public'] ?? ''),
    private: entry['private'] === undefined ? undefined : CID.parse(entry['private']),
    changes: entry['changes'] ?? [],
  }
}
