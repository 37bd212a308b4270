/** Who asks for a slot. */
export interface Asker {
  readonly host: string
  readonly peer: string
}

/** A slot that somebody has. */
export interface Hold {
  /** It is made use of: something has moved. */
  moved(): void
  /** Gives it back; more than once is once. */
  release(): void
}

export interface FairSlotsOptions {
  /** How many there are, and how many of them one host may have. */
  readonly slots: number
  readonly perHost: number
  /** How many may wait. */
  readonly waiting: number
  /** Who has moved nothing for so long, in ms, has to go when others wait. */
  readonly stalled: number
}

interface Waiting {
  readonly asker: Asker
  readonly enter: () => void
}

interface Held {
  readonly asker: Asker
  readonly onStalled: () => void
  movedAt: number
}

/** How often those who have a slot are looked at while others wait: so many times in the time they may be stalled for. */
const LOOKS = 4

/**
 * Slots for strangers. Whoever takes many and makes no use of them must not keep others from having any: one host has a part
 * of them at most, hosts have their turn one after the other and so have the peers of each, and who moves nothing has to go
 * when somebody waits (promise I8, faults C21, C22).
 */
export class FairSlots {
  readonly #options: FairSlotsOptions
  readonly #held = new Set<Held>()
  readonly #hosts = new Map<string, number>()
  /** Those who wait, by host and peer, in the order of their turns. */
  readonly #line = new Map<string, Map<string, Waiting[]>>()
  #waiting = 0
  #watch: NodeJS.Timeout | undefined

  constructor(options: FairSlotsOptions) {
    this.#options = options
  }

  /**
   * Waits for a slot.
   *
   * @param onStalled called, perhaps again and again, when the slot is held without use while others wait
   * @throws the signal's reason; or an Error when too many wait already
   */
  async take(
    asker: Asker,
    { signal, onStalled }: { signal: AbortSignal; onStalled: () => void },
  ): Promise<Hold> {
    signal.throwIfAborted()
    if (this.#waiting > 0 || !this.#mayEnter(asker)) await this.#wait(asker, signal)
    else this.#count(asker, 1)
    const held: Held = { asker, onStalled, movedAt: performance.now() }
    this.#held.add(held)
    return {
      moved: () => void (held.movedAt = performance.now()),
      release: () => {
        if (!this.#held.delete(held)) return
        this.#count(asker, -1)
        this.#admit()
      },
    }
  }

  #mayEnter({ host }: Pick<Asker, 'host'>): boolean {
    const { slots, perHost } = this.#options
    const all = this.#hosts.values().reduce((sum, count) => sum + count, 0)
    return all < slots && (this.#hosts.get(host) ?? 0) < perHost
  }

  #count({ host }: Asker, change: number): void {
    const count = (this.#hosts.get(host) ?? 0) + change
    if (count > 0) this.#hosts.set(host, count)
    else this.#hosts.delete(host)
  }

  #wait(asker: Asker, signal: AbortSignal): Promise<void> {
    if (this.#waiting >= this.#options.waiting)
      return Promise.reject(new Error(`${this.#waiting} requests are waiting already`))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting: Waiting = {
      asker,
      enter: () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      },
    }
    const onAbort = (): void => {
      this.#leave(waiting)
      this.#admit()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const peers = this.#line.get(asker.host) ?? new Map<string, Waiting[]>()
    this.#line.set(asker.host, peers.set(asker.peer, [...(peers.get(asker.peer) ?? []), waiting]))
    this.#waiting++
    // A host that has its part does not keep others from entering.
    this.#admit()
    this.#watchHolders()
    return promise
  }

  #leave(waiting: Waiting): void {
    const { host, peer } = waiting.asker
    const peers = this.#line.get(host)
    const left = peers?.get(peer)?.filter((other) => other !== waiting) ?? []
    if (left.length > 0) peers?.set(peer, left)
    else peers?.delete(peer)
    if (peers?.size === 0) this.#line.delete(host)
    this.#waiting--
  }

  /** Lets in whoever may enter now, each host and each of its peers in turn. */
  #admit(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { host, peer } = next.asker
      this.#leave(next)
      this.#count(next.asker, 1)
      toEnd(this.#line.get(host), peer)
      toEnd(this.#line, host)
      next.enter()
    }
    if (this.#waiting > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #next(): Waiting | undefined {
    for (const [host, peers] of this.#line) {
      if (!this.#mayEnter({ host })) continue
      const [first] = peers.values()
      return first?.[0]
    }
    return undefined
  }

  #watchHolders(): void {
    if (this.#waiting === 0) return
    const { stalled } = this.#options
    this.#watch ??= setInterval(() => {
      const since = performance.now() - stalled
      for (const { movedAt, onStalled } of this.#held) if (movedAt < since) onStalled()
    }, stalled / LOOKS).unref()
  }
}

/** The last to have its turn again. */
function toEnd<T>(line: Map<string, T> | undefined, key: string): void {
  const value = line?.get(key)
  if (line === undefined || value === undefined) return
  line.delete(key)
  line.set(key, value)
}
