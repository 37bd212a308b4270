import type { Digest } from '../oci/digest.ts'
import type { DurableMap } from './ports.ts'
import type { RepositoryName } from '../oci/name.ts'

/** What can be hidden: a tag by its name, a manifest or a blob by its digest, a whole repository. */
export type TombstoneKind = 'tag' | 'manifest' | 'blob' | 'repository'

const KINDS: ReadonlySet<string> = new Set<TombstoneKind>(['tag', 'manifest', 'blob', 'repository'])

/** Something that was deleted here and that a mirror may still have. */
export interface Tombstone {
  readonly name: RepositoryName
  readonly kind: TombstoneKind
  /** The tag or the digest; of a repository its name again. */
  readonly what: string
  /** When it was hidden, in ms since the epoch. */
  readonly at: number
}

/**
 * Hides what was deleted here from what mirrors say; our own content is never hidden by it. It is state, not a cache:
 * its size is the number of such deletes, and it is kept in memory because every read through a mirror asks it.
 */
export class Tombstones {
  readonly #map: DurableMap
  readonly #now: () => number
  /** `<name>:<kind>` → what → when. Neither a name nor a kind has a colon. */
  readonly #hidden = new Map<string, Map<string, number>>()

  private constructor(map: DurableMap, now: () => number) {
    this.#map = map
    this.#now = now
  }

  /**
   * @param map where they are kept
   * @param now the clock, in ms
   * @throws an Error when the map holds something else
   */
  static async open(map: DurableMap, now: () => number): Promise<Tombstones> {
    const tombstones = new Tombstones(map, now)
    for await (const [key, value] of map.entries()) tombstones.#add(parseEntry(key, value))
    return tombstones
  }

  /** Hides these for good, all or none; it is durable when this resolves. */
  async hide(name: RepositoryName, kind: TombstoneKind, ...all: readonly string[]): Promise<void> {
    const at = this.#now()
    const value = new TextEncoder().encode(String(at))
    await this.#map.putAll(new Map(all.map((what) => [keyOf(name, kind, what), value])))
    for (const what of all) this.#add({ name, kind, what, at })
  }

  /** Lets the mirrors' version be seen again. False when it was not hidden. */
  async show(name: RepositoryName, kind: TombstoneKind, what: string): Promise<boolean> {
    if (!this.hides(name, kind, what)) return false
    await this.#map.delete(keyOf(name, kind, what))
    this.#hidden.get(`${name}:${kind}`)?.delete(what)
    return true
  }

  /** Whether exactly this is hidden. */
  hides(name: RepositoryName, kind: TombstoneKind, what: string): boolean {
    return this.#hidden.get(`${name}:${kind}`)?.has(what) ?? false
  }

  hidesRepository(name: RepositoryName): boolean {
    return this.hides(name, 'repository', name)
  }

  /** Whether a manifest is hidden, by itself or with its repository. */
  hidesManifest(name: RepositoryName, digest: Digest): boolean {
    return this.hidesRepository(name) || this.hides(name, 'manifest', digest)
  }

  /** Whether anything of that kind is hidden in a repository. */
  hidesAny(name: RepositoryName, kind: TombstoneKind): boolean {
    return (this.#hidden.get(`${name}:${kind}`)?.size ?? 0) > 0
  }

  /** All of them, for status. */
  list(): Tombstone[] {
    return [...this.#hidden].flatMap(([key, entries]) => {
      const [name, kind] = key.split(':') as [RepositoryName, TombstoneKind]
      return [...entries].map(([what, at]) => ({ name, kind, what, at }))
    })
  }

  #add({ name, kind, what, at }: Tombstone): void {
    const key = `${name}:${kind}`
    const entries = this.#hidden.get(key) ?? new Map<string, number>()
    this.#hidden.set(key, entries.set(what, at))
  }
}

function keyOf(name: RepositoryName, kind: TombstoneKind, what: string): string {
  return `${name}:${kind}:${what}`
}

function parseEntry(key: string, value: Uint8Array): Tombstone {
  const [name, kind, ...rest] = key.split(':')
  const at = Number(new TextDecoder().decode(value))
  if (name === undefined || kind === undefined || !KINDS.has(kind) || !Number.isSafeInteger(at)) {
    throw new Error(`not a tombstone: ${key}`)
  }
  return { name: name as RepositoryName, kind: kind as TombstoneKind, what: rest.join(':'), at }
}
