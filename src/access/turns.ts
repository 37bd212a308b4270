/** How many have their turn at once, and how many may wait for one. */
export interface TurnsInit {
  readonly atOnce: number
  readonly mostWaiting: number
}

/** Lets somebody have his turn (`true`), or tells him that he will have none. */
type Settle = (hasTurn: boolean) => void

/**
 * Turns that go round by where their takers come from: one who comes with a hundred waits behind himself, and another with
 * one only until everybody else has had one. When there is no room to wait, it is made by whoever has most waiting.
 */
export class Turns {
  readonly #init: TurnsInit
  /** None is empty. Whose turn is next comes first. */
  readonly #waiting = new Map<string, Settle[]>()
  #count = 0
  #running = 0

  constructor(init: TurnsInit) {
    this.#init = init
  }

  /** Waits for a turn, which ends with {@link end}. @returns false: there is none, too many wait */
  async take(from: string): Promise<boolean> {
    if (this.#running < this.#init.atOnce) {
      this.#running++
      return true
    }
    if (this.#count >= this.#init.mostWaiting && !this.#makeRoom(from)) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const own = this.#waiting.get(from)
    if (own === undefined) this.#waiting.set(from, [resolve])
    else own.push(resolve)
    this.#count++
    return await promise
  }

  /** Gives the turn to the next. */
  end(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#running--
      return
    }
    const [from, own] = next
    const settle = own.shift()
    this.#count--
    // Whoever has more waiting comes again after all others.
    this.#waiting.delete(from)
    if (own.length > 0) this.#waiting.set(from, own)
    settle?.(true)
  }

  /** @returns whether somebody had to go who has more waiting than this one will have */
  #makeRoom(from: string): boolean {
    let longest: Settle[] = []
    for (const own of this.#waiting.values()) if (own.length > longest.length) longest = own
    const will = (this.#waiting.get(from)?.length ?? 0) + 1
    if (longest.length <= will) return false
    longest.pop()?.(false)
    this.#count--
    return true
  }
}
