import { tryParseDigest } from '../../oci/digest.ts'
import type { Digest } from '../../oci/digest.ts'
import type { DurableMap } from '../ports.ts'

/** Manifests remembered, with those that indexes name: some 30 MiB at most. */
const MAX = 100_000

/** One manifest that was found signed, or is part of one. */
interface Entry {
  readonly key: string
  /** What it names, if it is an index. */
  readonly children: readonly Digest[]
}

/**
 * Remembers, over restarts, what was found signed by which keys, and the manifests that it names: who signs an index signs
 * what is in it by digest. That something is signed never changes, so nothing in it is ever out of date. When it is full,
 * the oldest goes, and is looked for again when it is wanted.
 */
export class SignedBook {
  readonly #map: DurableMap
  readonly #max: number
  /** From `<key set>/<digest>`, oldest first. */
  readonly #entries = new Map<string, Entry>()
  /** How many entries name a manifest, by the same keys. */
  readonly #named = new Map<string, number>()
  #size = 0

  private constructor(map: DurableMap, max: number) {
    this.#map = map
    this.#max = max
  }

  /**
   * @param keySets ids of those in use: what was proven with others is forgotten
   * @param max manifests that are remembered
   */
  static async open(map: DurableMap, keySets: ReadonlySet<string>, max = MAX): Promise<SignedBook> {
    const book = new SignedBook(map, max)
    const dead: string[] = []
    for await (const [key, value] of map.entries()) {
      if (keySets.has(key.slice(0, key.indexOf('/')))) book.#add({ key, children: parse(value) })
      else dead.push(key)
    }
    for (const key of dead) await map.delete(key)
    await book.#shrink()
    return book
  }

  /** How a manifest stands under a set of keys; `undefined` when nothing is known of it. */
  standing(keySet: string, digest: Digest): 'signed' | 'named' | undefined {
    const key = `${keySet}/${digest}`
    if (this.#entries.has(key)) return 'signed'
    return this.#named.has(key) ? 'named' : undefined
  }

  /** Remembers a manifest, durably, with the manifests it names. */
  async add(keySet: string, digest: Digest, children: readonly Digest[]): Promise<void> {
    const entry = { key: `${keySet}/${digest}`, children }
    if (this.#entries.has(entry.key)) return
    await this.#map.put(entry.key, new TextEncoder().encode(children.join(' ')))
    this.#add(entry)
    await this.#shrink()
  }

  #add(entry: Entry): void {
    if (this.#entries.has(entry.key)) return
    this.#entries.set(entry.key, entry)
    this.#size += 1 + entry.children.length
    for (const child of childKeys(entry)) this.#named.set(child, (this.#named.get(child) ?? 0) + 1)
  }

  async #shrink(): Promise<void> {
    for (const oldest of this.#entries.values()) {
      if (this.#size <= this.#max) break
      this.#remove(oldest)
      await this.#map.delete(oldest.key)
    }
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#size -= 1 + entry.children.length
    for (const child of childKeys(entry)) {
      const left = (this.#named.get(child) ?? 1) - 1
      if (left === 0) this.#named.delete(child)
      else this.#named.set(child, left)
    }
  }
}

function childKeys({ key, children }: Entry): string[] {
  const keySet = key.slice(0, key.indexOf('/') + 1)
  return children.map((child) => keySet + child)
}

function parse(value: Uint8Array): Digest[] {
  const text = new TextDecoder().decode(value)
  return text.split(' ').flatMap((each) => tryParseDigest(each) ?? [])
}
