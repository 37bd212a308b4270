import { createHash } from 'node:crypto'

/** Choices that follow from one number, so that a case can be played again. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 up to, and without, `below`. */
  nat(below: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  /** One of some things. */
  pick<T>(things: readonly T[]): T {
    if (things.length === 0) throw new NothingToPick()
    return things[this.nat(things.length)]!
  }
}

/** There is nothing in this registry that such a change could be made to. */
export class NothingToPick extends Error {
  static override readonly name = 'NothingToPick'
  override readonly name = 'NothingToPick'
}

/** So many bytes that look like chance, and follow from a text. */
export function bytesFrom(text: string, length: number): Buffer {
  if (length === 0) return Buffer.alloc(0)
  return createHash('shake256', { outputLength: length }).update(text).digest()
}
