/** Words of 32 bits that an entry takes: 124 bits of the hash, and four flags in the last bits. */
const WORDS = 4
const LIVE = 1
const EXPANDED = 2
/** Peers may have it. */
const OPEN = 4
/** So may they what it links. */
const OPEN_EXPANDED = 8
const FLAGS = LIVE | EXPANDED | OPEN | OPEN_EXPANDED

/** Tables, by the first byte of the hash: each grows by itself, so none ever holds the event loop for long. */
const SHARDS = 256
const FIRST_SLOTS = 16

/**
 * The blocks that a collection leaves alone, by their sha2-256. Sixteen bytes of the hash are enough: two blocks that
 * agree in them are not to be found, and 25 to 50 bytes of memory a block are what a registry of millions can afford.
 *
 * A block may be live without its links having been followed, since a leaf can hold the very bytes of a node.
 */
export class LiveSet {
  readonly #shards: (Shard | undefined)[] = Array.from({ length: SHARDS })

  /** How many blocks are in it. */
  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + (shard?.size ?? 0), 0)
  }

  /** Memory that it takes, in bytes. */
  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + (shard?.bytes ?? 0), 0)
  }

  /** @param hash all 32 bytes of it */
  add(hash: Uint8Array): void {
    this.#shardOf(hash).set(hash, LIVE)
  }

  has(hash: Uint8Array): boolean {
    const shard = this.#shards[hash[0] ?? 0]
    return shard !== undefined && shard.flags(hash) !== 0
  }

  /** Adds a block that peers may have. */
  addOpen(hash: Uint8Array): void {
    this.#shardOf(hash).set(hash, LIVE | OPEN)
  }

  /** Whether peers may have it. */
  isOpen(hash: Uint8Array): boolean {
    const shard = this.#shards[hash[0] ?? 0]
    return shard !== undefined && (shard.flags(hash) & OPEN) !== 0
  }

  /** As {@link expand}, for a node that peers may have with all that is below it. */
  expandOpen(hash: Uint8Array): boolean {
    return (this.#shardOf(hash).set(hash, FLAGS) & OPEN_EXPANDED) === 0
  }

  /** Adds a node whose links are to be followed. @returns whether that is still to be done */
  expand(hash: Uint8Array): boolean {
    return (this.#shardOf(hash).set(hash, LIVE | EXPANDED) & EXPANDED) === 0
  }

  #shardOf(hash: Uint8Array): Shard {
    const [first] = hash
    if (first === undefined || hash.length !== 32) throw new TypeError('a hash has 32 bytes')
    return (this.#shards[first] ??= new Shard())
  }
}

/** One table with open addressing; an entry without flags is an empty slot. */
class Shard {
  #slots = FIRST_SLOTS
  #table = new Uint32Array(FIRST_SLOTS * WORDS)
  #size = 0

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#table.byteLength
  }

  /** Sets flags, and gives those that were set before. */
  set(hash: Uint8Array, flags: number): number {
    return this.#put(word(hash, 0), word(hash, 4), word(hash, 8), word(hash, 12), flags)
  }

  flags(hash: Uint8Array): number {
    const at = this.#find(word(hash, 0), word(hash, 4), word(hash, 8), word(hash, 12))
    return (this.#table[at + 3] ?? 0) & FLAGS
  }

  #put(a: number, b: number, c: number, d: number, flags: number): number {
    const at = this.#find(a, b, c, d)
    const before = (this.#table[at + 3] ?? 0) & FLAGS
    if (before === 0) {
      this.#table[at] = a
      this.#table[at + 1] = b
      this.#table[at + 2] = c
      this.#size++
    }
    this.#table[at + 3] = ((d & ~FLAGS) | before | flags) >>> 0
    if (this.#size * 4 > this.#slots * 3) this.#grow()
    return before
  }

  /** Where an entry is, or would be. There is always an empty slot. */
  #find(a: number, b: number, c: number, d: number): number {
    const table = this.#table
    const key = (d & ~FLAGS) >>> 0
    // The first word tells the shards apart, so the second one tells the slots apart.
    for (let slot = b & (this.#slots - 1); ; slot = (slot + 1) & (this.#slots - 1)) {
      const at = slot * WORDS
      const last = table[at + 3] ?? 0
      if ((last & FLAGS) === 0) return at
      if (table[at] === a && table[at + 1] === b && table[at + 2] === c) {
        if ((last & ~FLAGS) >>> 0 === key) return at
      }
    }
  }

  #grow(): void {
    const old = this.#table
    this.#slots *= 2
    this.#table = new Uint32Array(this.#slots * WORDS)
    for (let at = 0; at < old.length; at += WORDS) {
      const [a = 0, b = 0, c = 0, d = 0] = old.subarray(at, at + WORDS)
      if ((d & FLAGS) !== 0) this.#table.set([a, b, c, d], this.#find(a, b, c, d))
    }
  }
}

function word(hash: Uint8Array, at: number): number {
  return (
    ((hash[at] ?? 0) |
      ((hash[at + 1] ?? 0) << 8) |
      ((hash[at + 2] ?? 0) << 16) |
      ((hash[at + 3] ?? 0) << 24)) >>>
    0
  )
}
