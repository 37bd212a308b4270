import type { DurableMap } from '../../../src/registry/ports.ts'
import type { SeededRandom } from '../../faults/random.ts'
import type { SimTime } from './time.ts'

/** What is on a disk. A backup is a copy of it. */
export type DiskContent = Map<string, Uint8Array>

interface Write {
  readonly key: string
  readonly value: Uint8Array | undefined
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** How to break the disk on purpose, to see that the model would notice. */
export interface DiskDefect {
  /** Whether a write under this key is promised and forgotten. */
  forgets?(key: string): boolean
  /** What is read instead of what was written. */
  reads?(key: string, value: Uint8Array): Uint8Array
}

/**
 * One life's view of a disk. Writes take a while and come in their order; a crash leaves some of those under way done
 * and others not, and whoever waits for one never learns which.
 */
export class SimDisk {
  readonly #content: DiskContent
  readonly #time: SimTime
  readonly #random: SeededRandom
  readonly #defect: DiskDefect | undefined
  readonly #pending: Write[] = []
  #isGone = false
  /** How many of the next writes find no room. */
  failures = 0

  constructor(content: DiskContent, time: SimTime, random: SeededRandom, defect?: DiskDefect) {
    this.#content = content
    this.#time = time
    this.#random = random
    this.#defect = defect
  }

  map(name: string): DurableMap {
    const space = `${name}/`
    return {
      get: (key) => Promise.resolve(this.#read(space + key)),
      put: (key, value) => this.#write(space + key, value),
      putAll: async (entries) => {
        for (const [key, value] of entries) await this.#write(space + key, value)
      },
      delete: (key) => this.#write(space + key, undefined),
      entries: (prefix = '') => this.#entries(space, prefix),
    }
  }

  /** The process dies, or the power goes. */
  crash(): void {
    this.#isGone = true
    const done = this.#random.between(0, this.#pending.length + 1)
    for (const [index, write] of this.#pending.splice(0).entries()) {
      if (index < done) this.#apply(write)
      write.reject(new Error('the process died'))
    }
  }

  #read(key: string): Uint8Array | undefined {
    const value = this.#content.get(key)
    return value === undefined ? undefined : (this.#defect?.reads?.(key, value) ?? value)
  }

  #write(key: string, value: Uint8Array | undefined): Promise<void> {
    if (this.#isGone) return Promise.reject(new Error('the process died'))
    if (this.failures > 0) {
      this.failures--
      return Promise.reject(new Error('no space left on device'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#pending.push({ key, value, resolve, reject })
    this.#time.after(this.#random.between(1, 30), () => {
      const write = this.#pending.shift()
      if (write === undefined) return
      this.#apply(write)
      write.resolve()
    })
    return promise
  }

  #apply({ key, value }: Write): void {
    if (this.#defect?.forgets?.(key) === true) return
    if (value === undefined) this.#content.delete(key)
    else this.#content.set(key, value)
  }

  async *#entries(space: string, prefix: string): AsyncGenerator<[string, Uint8Array]> {
    await Promise.resolve()
    for (const [key, value] of [...this.#content].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      if (key.startsWith(space + prefix)) yield [key.slice(space.length), value]
  }
}
