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
  /** What stands beside a manifest, and stays as long as that does. */
  readonly #companions = new Map<number, number[]>()

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

  /** One that stays as long as its subject does, whatever it mentions. */
  follow(subject: Digest, companion: Digest): void {
    const [to, from] = [this.#numbers.get(companion), this.#numbers.get(subject)]
    if (to !== undefined && from !== undefined) listOf(this.#companions, from).push(to)
  }

  /**
   * Those that have been without a tag for longer than so many ms; the others are remembered from now on.
   *
   * @param orphans what stands beside a manifest that is not here: it stays, unless it was to go together with that
   */
  async untaggedFor(
    milliseconds: number,
    tagged: readonly Digest[],
    book: UntaggedBook,
    orphans: readonly Digest[] = [],
  ): Promise<Digest[]> {
    const known = await sinceWhen(book)
    const kept = this.#reach([...tagged, ...orphans.filter((digest) => !known.has(digest))])
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
    const referrers = new Map([...this.#companions].map(([subject, list]) => [subject, [...list]]))
    if (!this.#keepReferrers) return referrers
    for (const [number, { subject }] of this.#mentions) {
      if (subject === undefined) continue
      listOf(referrers, subject).push(number)
    }
    return referrers
  }
}

function listOf(lists: Map<number, number[]>, key: number): number[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
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
