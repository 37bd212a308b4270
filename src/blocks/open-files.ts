import type { CID } from 'multiformats/cid'

/** Files that are remembered to have been used, at some 150 bytes of memory each. */
const MAX_USES = 100_000

/** The files that are being read: they stay until their readers are done, whatever becomes of the trees they are in. */
export class OpenFiles {
  readonly #open = new Map<string, { cid: CID; readers: number }>()
  /** When each was read last, by the text of its CID, the oldest first. */
  readonly #uses = new Map<string, number>()
  readonly #max: number
  readonly #now: () => number

  /**
   * @param max files of which it is remembered when they were used
   * @param now ms since the epoch
   */
  constructor(max: number = MAX_USES, now: () => number = Date.now) {
    this.#max = max
    this.#now = now
  }

  hold(cid: CID): Disposable {
    const key = cid.toString()
    this.#note(key)
    const file = this.#open.get(key) ?? { cid, readers: 0 }
    file.readers++
    this.#open.set(key, file)
    return {
      [Symbol.dispose]: () => {
        if (--file.readers === 0) this.#open.delete(key)
        this.#note(key)
      },
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

  #note(id: string): void {
    if (this.#max === 0) return
    this.#uses.delete(id)
    this.#uses.set(id, this.#now())
    const [oldest] = this.#uses.keys()
    if (this.#uses.size > this.#max && oldest !== undefined) this.#uses.delete(oldest)
  }
}
