import { tryParseDigest } from '../oci/digest.ts'
import type { StateDb, StateWrite } from '../blocks/state-db.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { TagTime } from '../oci/tag-time.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Journal, JournalEntry } from './journal.ts'

const PREFIX = 'tt/'
/** How far the journal was read, and for which repositories. */
const CURSOR = Buffer.from('tc/')
/** Notes that are written together. */
const BATCH = 1000
/** No commit has more changes: the order of a push is that of its commit, and of its change in it. */
const CHANGES = 2 ** 20

interface Cursor {
  readonly sequence: number
  readonly names: string
}

/** Whose tags are of interest. */
export interface TagTimesOptions {
  readonly areAbout: (name: RepositoryName) => boolean
  /** Another text, and the journal is read again for the new repositories. */
  readonly text: string
}

/**
 * When tags were pushed: the tree has no times, and the journal does not go back for ever. So before the collector
 * forgets commits, what they say of tags is noted.
 */
export class TagTimes {
  readonly #state: StateDb
  readonly #journal: Journal
  readonly #options: TagTimesOptions
  #read = 0

  constructor(state: StateDb, journal: Journal, options: TagTimesOptions) {
    this.#state = state
    this.#journal = journal
    this.#options = options
  }

  get latest(): number {
    return (this.#read + 1) * CHANGES - 1
  }

  /** @throws DamagedJournalError */
  async catchUp({ signal, turn }: BlockOptions & { turn: () => Promise<void> }): Promise<void> {
    const { text } = this.#options
    const cursor = parseCursor(await this.#state.get(CURSOR))
    const oldest = (await this.#journal.oldest()) ?? 0
    // Commits that were never read may have pushed anything: then nothing is known.
    if (cursor !== undefined && oldest > cursor.sequence + 1) await this.#forget('')
    this.#read = cursor?.names === text ? cursor.sequence : 0
    const notes = new Map<string, TagTime | undefined>()
    for await (const entry of this.#journal.after(this.#read)) {
      await turn()
      signal?.throwIfAborted()
      await this.#take(entry, notes)
      this.#read = entry.sequence
      if (notes.size >= BATCH) await this.#write(notes)
    }
    if (this.#read !== cursor?.sequence || cursor.names !== text) await this.#write(notes)
  }

  async #take(entry: JournalEntry, notes: Map<string, TagTime | undefined>): Promise<void> {
    const { sequence, time, changes } = entry
    for (const [at, { action, name, digest, tag }] of changes.entries()) {
      if (name === undefined || !this.#options.areAbout(name)) continue
      const order = sequence * CHANGES + Math.min(at, CHANGES - 2)
      if (action === 'drop') await this.#drop(name, notes)
      else if (tag === undefined) continue
      else if (action === 'untag') notes.set(`${name}:${tag}`, undefined)
      else if (action === 'tag' && digest !== undefined)
        notes.set(`${name}:${tag}`, { digest, order, time, isKnown: true })
    }
  }

  async of(name: RepositoryName): Promise<Map<Tag, TagTime>> {
    const prefix = `${PREFIX}${name}:`
    const times = new Map<Tag, TagTime>()
    for await (const [key, value] of this.#state.entries(Buffer.from(prefix))) {
      const time = parseTime(value)
      if (time !== undefined) times.set(textOf(key).slice(prefix.length) as Tag, time)
    }
    return times
  }

  async note(name: RepositoryName, notes: ReadonlyMap<Tag, TagTime | undefined>): Promise<void> {
    const writes = [...notes].map(([tag, time]) => writeOf(`${name}:${tag}`, time))
    for (let at = 0; at < writes.length; at += BATCH)
      await this.#state.write(writes.slice(at, at + BATCH))
  }

  async #drop(name: RepositoryName, notes: Map<string, TagTime | undefined>): Promise<void> {
    for (const key of notes.keys()) if (key.startsWith(`${name}:`)) notes.delete(key)
    await this.#forget(`${name}:`)
  }

  async #forget(begin: string): Promise<void> {
    const prefix = Buffer.from(PREFIX + begin)
    for (;;) {
      const keys = await this.#state.keys(prefix, { after: undefined, limit: BATCH })
      await this.#state.write(keys.map((key) => ({ key, value: undefined })))
      if (keys.length < BATCH) return
    }
  }

  /** Together with how far the journal was read, so that neither is ahead of the other. */
  async #write(notes: Map<string, TagTime | undefined>): Promise<void> {
    const cursor: Cursor = { sequence: this.#read, names: this.#options.text }
    const writes = [...notes].map(([key, time]) => writeOf(key, time))
    await this.#state.write([
      ...writes,
      { key: CURSOR, value: Buffer.from(JSON.stringify(cursor)) },
    ])
    notes.clear()
  }
}

function writeOf(key: string, time: TagTime | undefined): StateWrite {
  return {
    key: Buffer.from(PREFIX + key),
    value: time && Buffer.from(JSON.stringify(time)),
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}

/** What cannot be read is as if it had never been noted: then the tag counts as found, which keeps it for longer. */
function parseTime(value: Uint8Array): TagTime | undefined {
  const { digest, order, time, isKnown } = parseJson(value) as { [key in keyof TagTime]?: unknown }
  const parsed = tryParseDigest(digest)
  if (parsed === undefined || typeof order !== 'number' || typeof time !== 'number')
    return undefined
  return { digest: parsed, order, time, isKnown: isKnown === true }
}

function parseCursor(value: Uint8Array | undefined): Cursor | undefined {
  const { sequence, names } = parseJson(value) as { [key in keyof Cursor]?: unknown }
  if (typeof sequence !== 'number' || typeof names !== 'string') return undefined
  return { sequence, names }
}

function parseJson(value: Uint8Array | undefined): object {
  if (value === undefined) return {}
  try {
    const json: unknown = JSON.parse(textOf(value))
    return typeof json === 'object' && json !== null ? json : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
