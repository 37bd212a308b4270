import { referrersOf } from './fallback-tag.ts'
import { MirrorContent } from './mirror-content.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { MirrorCandidate } from './mirror-content.ts'
import type { Mirror } from './mirror.ts'
import type { Abortable, Content, Page, RegistryReader } from './ports.ts'

/** A mirror, and its reader for one request. */
export interface MirrorLayer {
  mirror: Mirror
  reader: RegistryReader
}

/**
 * The overlay's policies, all of them:
 * - by digest: our own tree, else the first mirror in order that has it;
 * - by tag: our own tree, else the first mirror in order;
 * - listings and referrers: the union, mirrors asked all at once;
 * - an error of our own tree is thrown, for "could not read" is never "not there"; a mirror that fails is passed over.
 */
export class OverlayReader implements RegistryReader {
  readonly source = 'overlay'
  readonly #own: RegistryReader
  readonly #mirrors: readonly MirrorLayer[]

  constructor(own: RegistryReader, mirrors: readonly MirrorLayer[]) {
    this.#own = own
    this.#mirrors = mirrors
  }

  async resolveTag(
    name: RepositoryName,
    tag: Tag,
    options: Abortable = {},
  ): Promise<Digest | undefined> {
    const own = await this.#own.resolveTag(name, tag, options)
    return own ?? this.#firstOf((reader, how) => reader.resolveTag(name, tag, how), options)
  }

  async manifest(
    name: RepositoryName,
    digest: Digest,
    options: Abortable = {},
  ): Promise<Content | undefined> {
    const own = await this.#own.manifest(name, digest, options)
    return own ?? this.#firstOf((reader, how) => reader.manifest(name, digest, how), options)
  }

  async blob(
    name: RepositoryName,
    digest: Digest,
    options: Abortable = {},
  ): Promise<Content | undefined> {
    const own = await this.#own.blob(name, digest, options)
    if (own !== undefined) return own
    for await (const first of this.#candidates(name, digest, 0, options)) {
      const others = (how: Abortable): AsyncIterable<MirrorCandidate> =>
        this.#candidates(name, digest, first.index + 1, how)
      return new MirrorContent(first, others)
    }
    return undefined
  }

  async tags(name: RepositoryName, options: Abortable & Page = {}): Promise<string[] | undefined> {
    const lists = await this.#all(
      (reader, how) => reader.tags(name, { ...options, ...how }),
      options,
    )
    return lists.length === 0 ? undefined : union(lists, options.limit)
  }

  async repositories(options: Abortable & Page = {}): Promise<string[]> {
    return union(
      await this.#all((reader, how) => reader.repositories({ ...options, ...how }), options),
      options.limit,
    )
  }

  async referrers(
    name: RepositoryName,
    subject: Digest,
    options: Abortable = {},
  ): Promise<Digest[]> {
    return union(await this.#all((reader, how) => referrersOf(reader, name, subject, how), options))
  }

  /** The blob in the mirrors from the one at `start` on, each asked when the next is wanted. */
  async *#candidates(
    name: RepositoryName,
    digest: Digest,
    start: number,
    options: Abortable,
  ): AsyncGenerator<MirrorCandidate & { index: number }> {
    for (const [index, { mirror, reader }] of this.#mirrors.entries()) {
      if (index < start) continue
      const box = await mirror.ask((signal) => reader.blob(name, digest, { signal }), options)
      if (box?.answer === undefined) continue
      yield { index, content: box.answer, report: (error) => mirror.report(error) }
    }
  }

  /** One mirror after the other: the first answer is the answer. */
  async #firstOf<T>(
    question: (reader: RegistryReader, options: { signal: AbortSignal }) => Promise<T | undefined>,
    options: Abortable,
  ): Promise<T | undefined> {
    for (const { mirror, reader } of this.#mirrors) {
      const box = await mirror.ask((signal) => question(reader, { signal }), options)
      if (box?.answer !== undefined) return box.answer
    }
    return undefined
  }

  /** Our own tree and all mirrors at once: every answer there is. */
  async #all<T>(
    question: (reader: RegistryReader, options: Abortable) => Promise<T | undefined>,
    options: Abortable,
  ): Promise<T[]> {
    const [own, ...boxes] = await Promise.all([
      question(this.#own, { signal: options.signal }),
      ...this.#mirrors.map(({ mirror, reader }) =>
        mirror.ask((signal) => question(reader, { signal }), options),
      ),
    ] as const)
    return [own, ...boxes.map((box) => box?.answer)].filter((answer) => answer !== undefined)
  }
}

/** Sorted in ASCII order, each once. The first `limit` of the union are among the first `limit` of each list. */
function union<T extends string>(lists: readonly T[][], limit?: number): T[] {
  return [...new Set(lists.flat())].sort(byCodeUnit).slice(0, limit)
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
