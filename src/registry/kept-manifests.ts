import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { DurableMap } from './ports.ts'

/** What a manifest mentions, of its own repository; by number, for there may be many. */
interface Mentions {
  readonly inside: readonly number[]
  readonly subject: number | undefined
}

/** Where it is remembered since when manifests have had no tag. */
export interface UntaggedBook {
  readonly name: RepositoryName
  readonly map: DurableMap
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Only looks. */
  readonly dryRun: boolean
}

/**
 * Which manifests of a repository stay: those with a tag, whatever these mention (the images of an index), what refers to
 * those, and so on.
 */
export class KeptManifests {
  readonly #digests: readonly Digest[]
  readonly #numbers: ReadonlyMap<Digest, number>
  readonly #mentions = new Map<number, Mentions>()
  readonly #keepReferrers: boolean

  /** @param keepReferrers whether what refers to a manifest that stays stays as well */
  constructor(manifests: readonly Digest[], keepReferrers: boolean) {
    this.#digests = manifests
    this.#numbers = new Map(manifests.map((digest, number) => [digest, number]))
    this.#keepReferrers = keepReferrers
  }

  /** @param mentions every digest that stands in it */
  add(digest: Digest, mentions: ReadonlySet<Digest>, subject: Digest | undefined): void {
    const number = this.#numbers.get(digest)
    if (number === undefined) return
    const inside = [...mentions].flatMap((each) => this.#numbers.get(each) ?? [])
    this.#mentions.set(number, {
      inside,
      subject: subject === undefined ? undefined : this.#numbers.get(subject),
    })
  }

  /** Those that have been without a tag for longer than so many ms; the others are remembered from now on. */
  async untaggedFor(
    milliseconds: number,
    tagged: readonly Digest[],
    book: UntaggedBook,
  ): Promise<Digest[]> {
    const kept = this.#reach(tagged)
    const known = await sinceWhen(book)
    const old: Digest[] = []
    for (const [number, digest] of this.#digests.entries()) {
      const since = known.get(digest)
      if (kept.has(number)) continue
      known.delete(digest)
      if (since === undefined) await note(book, digest)
      // A clock that was set back makes it younger, never older.
      else if (book.now - since >= milliseconds) old.push(digest)
    }
    // What is left has a tag again, or is gone.
    for (const digest of known.keys())
      if (!book.dryRun) await book.map.delete(keyOf(book.name, digest))
    return old
  }

  #reach(tagged: readonly Digest[]): ReadonlySet<number> {
    const referrers = this.#referrers()
    const kept = new Set<number>()
    const waiting = tagged.flatMap((digest) => this.#numbers.get(digest) ?? [])
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (kept.has(next)) continue
      kept.add(next)
      for (const each of this.#mentions.get(next)?.inside ?? []) waiting.push(each)
      for (const each of referrers.get(next) ?? []) waiting.push(each)
    }
    return kept
  }

  /** Who refers to each. */
  #referrers(): ReadonlyMap<number, readonly number[]> {
    const referrers = new Map<number, number[]>()
    if (!this.#keepReferrers) return referrers
    for (const [number, { subject }] of this.#mentions) {
      if (subject === undefined) continue
      const list = referrers.get(subject) ?? []
      list.push(number)
      referrers.set(subject, list)
    }
    return referrers
  }
}

function keyOf(name: RepositoryName, digest: Digest): string {
  return `${name}@${digest}`
}

async function note({ map, name, now, dryRun }: UntaggedBook, digest: Digest): Promise<void> {
  if (!dryRun) await map.put(keyOf(name, digest), Buffer.from(String(now)))
}

async function sinceWhen({ map, name }: UntaggedBook): Promise<Map<Digest, number>> {
  const prefix = `${name}@`
  const known = new Map<Digest, number>()
  for await (const [key, value] of map.entries(prefix)) {
    const since = Number(Buffer.from(value).toString('utf8'))
    if (Number.isSafeInteger(since)) known.set(key.slice(prefix.length) as Digest, since)
  }
  return known
}
