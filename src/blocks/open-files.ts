import type { CID } from 'multiformats/cid'

/** Files that are remembered to have been used, at some 150 bytes of memory each. */
const MAX_USES = 100_000

/** The files that are being read: they stay until their readers are done, whatever becomes of the trees they are in. */
export class OpenFiles {
  readonly #open = new Map<string, { cid: CID; readers: number }>()
  /** When each was read last, by the text of its CID, the oldest first. */
  readonly #uses = new Map<string, number>()
  readonly #now: () => number

  /** @param now ms since the epoch */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  hold(cid: CID): Disposable {
    const key = cid.toString()
    this.note(key)
    const file = this.#open.get(key) ?? { cid, readers: 0 }
    file.readers++
    this.#open.set(key, file)
    return {
      [Symbol.dispose]: () => {
        if (--file.readers === 0) this.#open.delete(key)
        this.note(key)
      },
    }
  }

  /** Notes that somebody used a file. @param time in place of now */
  note(id: string, time: number = this.#now()): void {
    this.#uses.delete(id)
    this.#uses.set(id, time)
    for (const oldest of this.#uses.keys()) {
      if (this.#uses.size <= MAX_USES) break
      this.#uses.delete(oldest)
    }
  }

  /** Files that are being read. */
  list(): CID[] {
    return [...this.#open.values()].map(({ cid }) => cid)
  }

  /** When a file was used last, in ms since the epoch; `undefined` when that is not known. */
  usedAt(id: string): number | undefined {
    return this.#uses.get(id)
  }

  /** All that are known to have been used, the oldest first. */
  uses(): [id: string, time: number][] {
    return [...this.#uses]
  }
}
