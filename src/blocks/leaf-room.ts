import { CHUNK_BYTES } from './chunking.ts'

/** Leaves that all uploads together may have in memory: being filled, hashed, and on their way to the disk. */
const LEAVES = 48
/** A leaf that is being filled keeps its place for so long, in ms, while others wait for one. */
const PATIENCE_MS = 1000
/** Of so many places one is for those who were slow, if others wait as well. */
const SLOW_SHARE = 4

/** Who asks for a place. */
export interface LeafTaker {
  /** Whether it did not fill its last leaf in time. */
  readonly isSlow?: boolean
  /** Aborted when the place is not wanted any more. */
  readonly signal?: AbortSignal | undefined
  /** Asks for the place back: the leaf is then to be put down elsewhere as soon as can be. Called once at most. */
  readonly putDown?: (() => void) | undefined
}

/** Memory for one leaf. */
export interface LeafPlace {
  readonly bytes: Buffer<ArrayBuffer>
  /** The leaf is full: from now on only the disk is waited for. */
  full(): void
  /** Gives the place back; what `bytes` holds is lost. */
  [Symbol.dispose](): void
}

interface Waiting {
  readonly taker: LeafTaker
  readonly enter: (place: LeafPlace) => void
}

interface Filling {
  readonly since: number
  readonly putDown: () => void
  isAsked: boolean
}

/**
 * The memory for content on its way in, shared by all who write (promise I8). Who gets none waits, and does not read from
 * its client meanwhile.
 *
 * Nobody waits for ever. A leaf that is full goes to the disk and waits for no place. One that is being filled waits for
 * its client, which may be slow or silent: while others wait it is put down after a while, and its writer, which then holds
 * no place, waits like any other before it goes on. Each writer waits for one place at a time, so many leaves of one
 * upload are no more than one place in the line; and those who were slow have a line of their own.
 */
export class LeafRoom {
  readonly #patienceMs: number
  #free: number
  #given = 0
  readonly #size: number
  /** Memory that was used before: no more than is in use. */
  readonly #spare: Buffer<ArrayBuffer>[] = []
  /** In the order in which they came; at most one for each writer. */
  readonly #quick: Waiting[] = []
  readonly #slow: Waiting[] = []
  /** Leaves that can be put down, the oldest first. */
  readonly #filling = new Set<Filling>()
  /** Of them, those that are about to be. */
  #asked = 0
  #timer: NodeJS.Timeout | undefined

  constructor(size: number = LEAVES, patienceMs: number = PATIENCE_MS) {
    this.#size = size
    this.#free = size
    this.#patienceMs = patienceMs
  }

  /** Whether there is a place that nobody waits for. */
  get hasMore(): boolean {
    return this.#free > 0
  }

  /** Takes a place, waiting for it if need be. @throws the signal's reason when it aborts before */
  async take(taker: LeafTaker = {}): Promise<LeafPlace> {
    taker.signal?.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return this.#place(this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES), taker)
    }
    const { promise, resolve, reject } = Promise.withResolvers<LeafPlace>()
    const line = taker.isSlow === true ? this.#slow : this.#quick
    const waiting = { taker, enter: resolve }
    const onAbort = (): void => {
      const at = line.indexOf(waiting)
      if (at < 0) return
      line.splice(at, 1)
      reject(taker.signal?.reason as Error)
    }
    taker.signal?.addEventListener('abort', onAbort, { once: true })
    line.push(waiting)
    this.#hurry()
    try {
      return await promise
    } finally {
      taker.signal?.removeEventListener('abort', onAbort)
    }
  }

  #place(bytes: Buffer<ArrayBuffer>, { putDown }: LeafTaker): LeafPlace {
    const filling = putDown && { since: performance.now(), putDown, isAsked: false }
    if (filling !== undefined) this.#filling.add(filling)
    const full = (): void => this.#filled(filling)
    let isGiven = false
    const give = (): void => {
      if (isGiven) return
      isGiven = true
      this.#give(bytes)
      full()
    }
    return { bytes, full, [Symbol.dispose]: give }
  }

  /** There is nothing to be put down any more. */
  #filled(filling: Filling | undefined): void {
    if (filling === undefined || !this.#filling.delete(filling)) return
    if (filling.isAsked) this.#asked--
    this.#hurry()
  }

  #give(bytes: Buffer<ArrayBuffer>): void {
    const next = this.#next()
    if (next !== undefined) {
      next.enter(this.#place(bytes, next.taker))
      return this.#hurry()
    }
    this.#free++
    this.#spare.push(bytes)
    this.#spare.length = Math.min(this.#spare.length, this.#size - this.#free)
  }

  #next(): Waiting | undefined {
    this.#given++
    const isSlowOnes = this.#given % SLOW_SHARE === 0
    const [first, second] = isSlowOnes ? [this.#slow, this.#quick] : [this.#quick, this.#slow]
    return first.shift() ?? second.shift()
  }

  /** How many wait for whom nobody is about to put a leaf down. */
  get #wanting(): number {
    return this.#quick.length + this.#slow.length - this.#asked
  }

  /** While somebody waits, asks those who have been filling a leaf for long to put it down, one for each who waits. */
  #hurry(): void {
    if (this.#timer !== undefined || this.#wanting <= 0) return
    const oldest = [...this.#filling].find(({ isAsked }) => !isAsked)
    if (oldest === undefined) return
    const left = oldest.since + this.#patienceMs - performance.now()
    this.#timer = setTimeout(() => this.#ask(), Math.max(0, Math.ceil(left))).unref()
  }

  #ask(): void {
    this.#timer = undefined
    const due = performance.now() - this.#patienceMs
    for (const filling of this.#filling) {
      if (filling.isAsked) continue
      if (this.#wanting <= 0 || filling.since > due) break
      filling.isAsked = true
      this.#asked++
      filling.putDown()
    }
    this.#hurry()
  }
}

/** That of all uploads of this process: it is about its memory. */
export const uploadRoom = new LeafRoom()

/** That of content from mirrors, which cannot be put down; uploads must not wait for a mirror that is slow. */
export const adoptionRoom = new LeafRoom(8)
