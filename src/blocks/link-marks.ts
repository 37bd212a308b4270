import { setImmediate } from 'node:timers/promises'
import type { StateDb, StateWrite } from './state-db.ts'

/** Blocks that are remembered as linked: of each that a peer asks for it is asked whether the peer may have it. */
const KNOWN_LIMIT = 16 * 1024

const NOTHING: ReadonlySet<string> = new Set()

/** Marks that are drawn up before other work gets its turn: a few milliseconds. */
const IN_A_ROW = 4096

/** What a commit says of who may have blocks, by their hashes in hex: of a whole tree there are hundreds of thousands. */
export interface LinkMarks {
  /** Peers may have them from now on. */
  readonly linked: readonly string[]
  /** No longer. */
  readonly unlinked: readonly string[]
}

/** Which blocks peers may have, by hash in hex: a mark for each in the state database, and what is on its way there. */
export class LinkBook {
  readonly #state: Pick<StateDb, 'get'>
  /** Linked since the last batch. */
  readonly #fresh = new Set<string>()
  /** Some that are known to be linked. */
  readonly #known = new Set<string>()
  /** What the commit under way links; commits go one after the other. */
  readonly #linking = new Set<string>()
  /** What it takes from peers. */
  #taking: ReadonlySet<string> = NOTHING
  /** How often marks were taken back: what was looked up before is not to be remembered after. */
  #taken = 0

  constructor(state: Pick<StateDb, 'get'>) {
    this.#state = state
  }

  /** Peers may have it from now on; {@link fresh} is to be written. */
  add(hash: string): void {
    this.#fresh.add(hash)
  }

  async has(hash: string): Promise<boolean> {
    if (this.#taking.has(hash)) return false
    if (this.#fresh.has(hash) || this.#known.has(hash)) return true
    const taken = this.#taken
    if ((await this.#state.get(markKey(hash))) === undefined) return false
    if (taken !== this.#taken) return this.has(hash)
    const [oldest] = this.#known
    if (this.#known.size >= KNOWN_LIMIT && oldest !== undefined) this.#known.delete(oldest)
    this.#known.add(hash)
    return true
  }

  /** Whether it is just becoming one that peers may have. */
  isBeingLinked(hash: string): boolean {
    return this.#fresh.has(hash) || this.#linking.has(hash)
  }

  isFresh(hash: string): boolean {
    return this.#fresh.has(hash)
  }

  /** The writes of those that were added, and what to call when they are on the disk. */
  fresh(): { writes: StateWrite[]; written: () => void } {
    const hashes = [...this.#fresh]
    const written = (): void => {
      for (const hash of hashes) this.#fresh.delete(hash)
    }
    return { writes: hashes.map(marked), written }
  }

  /** Begins a commit. What it takes is gone at once, what it links comes when it is on the disk. @returns its writes */
  async begin({ linked, unlinked }: LinkMarks): Promise<StateWrite[]> {
    for (const hash of linked) this.#linking.add(hash)
    this.forget(unlinked)
    for (const hash of unlinked) this.#fresh.delete(hash)
    this.#taking = new Set(unlinked)
    const writes: StateWrite[] = []
    const add = async (write: StateWrite): Promise<void> => {
      if (writes.push(write) % IN_A_ROW === 0) await setImmediate()
    }
    for (const hash of unlinked) await add({ key: markKey(hash), value: undefined })
    for (const hash of linked) await add(marked(hash))
    return writes
  }

  /** The commit is over, whatever became of it. */
  end(): void {
    this.#linking.clear()
    this.#taking = NOTHING
  }

  /** Their marks are being taken back. */
  forget(hashes: readonly string[]): void {
    if (hashes.length > 0) this.#taken++
    for (const hash of hashes) this.#known.delete(hash)
  }
}

function marked(hash: string): StateWrite {
  return { key: markKey(hash), value: new Uint8Array(0) }
}

function markKey(hash: string): Uint8Array {
  return Buffer.concat([Buffer.from('l/'), Buffer.from(hash, 'hex')])
}
