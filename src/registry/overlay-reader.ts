import { byCodeUnit } from '../oci/ascii-order.ts'
import { linkedReferrers, mergeClaims, taggedReferrers } from './claims.ts'
import { MirrorContent } from './mirror-content.ts'
import { Notices, staleNotice } from './notices.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Claim } from './claims.ts'
import type { Doubts } from './doubts.ts'
import type { MirrorCandidate } from './first-piece.ts'
import type { Mirror } from './mirror.ts'
import type { Abortable, Content, Notice, Page, RegistryReader, RepositoryPage } from './ports.ts'

/** A mirror, and its reader for one request; none while it has no root. */
export interface MirrorLayer {
  mirror: Mirror
  reader: RegistryReader | undefined
}

type Question<T> = (reader: RegistryReader, options: Abortable) => Promise<T>

/** What came of a search for one thing. */
export interface Search<T> {
  readonly found: T | undefined
  /** Mirrors that were to be asked and could not answer. */
  readonly failed: readonly Mirror[]
}

/** An answer, and the mirror it is from; `undefined` for our own tree. */
interface Answer<T> {
  readonly mirror: Mirror | undefined
  readonly answer: T
}

/**
 * Questions of one request that one mirror may leave unanswered; then it is not asked again. A list may be made of
 * thousands, and each may cost a wait.
 */
const FAILURES_MAX = 64

/** How long one request asks one mirror, in ms: each of thousands of answers may be slow, and still within its deadline. */
const ASKING_MS = 30_000

/** What an {@link OverlayReader} is made of. */
export interface OverlayReaderInit {
  own: RegistryReader
  mirrors: readonly MirrorLayer[]
  /** Whether mirrors are not to be heard about a manifest. */
  hides: (name: RepositoryName, manifest: Digest) => boolean
  /** Which content comes last. */
  doubts: Doubts
  /** The clock, in ms. */
  now: () => number
}

/**
 * The overlay's policies, all of them:
 * - by digest: our own tree, else the first mirror in order that has it; content in doubt comes last ({@link Doubts});
 * - by tag: our own tree, else the first mirror in order;
 * - listings and referrers: the union, mirrors asked all at once;
 * - a mirror that has been stale for longer than it may be is asked by digest only;
 * - an error of our own tree is thrown, for "could not read" is never "not there"; a mirror that fails is passed over;
 * - what depends on how a mirror stands today (tags, listings, referrers) is told in {@link notices};
 * - that something is nowhere depends on it too, whatever it is: that is in {@link absences}.
 *
 * It serves one request: its notices are those of that one.
 */
export class OverlayReader implements RegistryReader {
  readonly source = 'overlay'
  readonly #own: RegistryReader
  readonly #mirrors: readonly MirrorLayer[]
  readonly #notices = new Notices()
  /** Of mirrors that were asked for what never changes. */
  readonly #unheard = new Notices()
  readonly #failures = new Map<Mirror, number>()
  readonly #hides: OverlayReaderInit['hides']
  readonly #doubts: Doubts
  readonly #now: () => number
  /** When this request has asked long enough. */
  readonly #until: number

  constructor({ own, mirrors, hides, doubts, now }: OverlayReaderInit) {
    this.#own = own
    this.#mirrors = mirrors
    this.#hides = hides
    this.#doubts = doubts
    this.#now = now
    this.#until = now() + ASKING_MS
  }

  /** What there is to say about the mirrors that the answers so far have to do with, in the mirrors' order. */
  get notices(): readonly Notice[] {
    return this.#mirrors.flatMap(({ mirror }) => this.#notices.about(mirror) ?? [])
  }

  /** What there is to say when something was found nowhere: which mirrors may have it nevertheless. */
  get absences(): readonly Notice[] {
    return this.#mirrors.flatMap(
      ({ mirror }) =>
        this.#notices.about(mirror) ?? this.#unheard.about(mirror) ?? staleNotice(mirror) ?? [],
    )
  }

  async resolveTag(
    name: RepositoryName,
    tag: Tag,
    options: Abortable = {},
  ): Promise<Digest | undefined> {
    const question: Question<Digest | undefined> = (reader, how) =>
      reader.resolveTag(name, tag, how)
    return (await this.find(question, options)).found
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
    for await (const first of this.#candidates(name, digest, options)) {
      const others = (how: Abortable): AsyncIterable<MirrorCandidate> =>
        this.#candidates(name, digest, how, first.mirror)
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

  async repositories(options: Abortable & RepositoryPage = {}): Promise<string[]> {
    const question: Question<string[] | undefined> = async (reader, how) =>
      nonEmpty(await reader.repositories({ ...options, ...how }))
    return union(await this.#all(question, options), options.limit)
  }

  async referrers(
    name: RepositoryName,
    subject: Digest,
    options: Abortable = {},
  ): Promise<Digest[]> {
    return (await this.claims(name, subject, options)).map(({ digest }) => digest)
  }

  /** Whatever any tree says refers to `subject`, each digest once, in ASCII order. None of it has been checked. */
  async claims(
    name: RepositoryName,
    subject: Digest,
    options: Abortable = {},
  ): Promise<Claim<Mirror>[]> {
    // Asked apart, so that a fallback tag that cannot be read costs nobody the referrers beside it.
    const [linked, listed] = await Promise.all([
      this.#all((reader, how) => linkedReferrers(reader, name, subject, how), options),
      this.#all((reader, how) => taggedReferrers(reader, name, subject, how), options),
    ])
    const shown = [...linked, ...listed].map(({ mirror, answer }) => ({
      mirror,
      answer: answer.filter(({ digest }) => mirror === undefined || !this.#hides(name, digest)),
    }))
    return mergeClaims(shown)
  }

  /**
   * Asks our own tree, then one mirror after the other; the first answer is the answer.
   *
   * @throws what our own tree throws
   */
  async find<T>(question: Question<T | undefined>, options: Abortable): Promise<Search<T>> {
    const own = await question(this.#own, options)
    if (own !== undefined) return { found: own, failed: [] }
    const failed: Mirror[] = []
    for (const layer of this.#mirrors) {
      const box = await this.#ask(layer, question, options)
      if (box?.answer !== undefined) {
        this.#notices.used(layer.mirror)
        return { found: box.answer, failed }
      }
      if (box === undefined && layer.reader !== undefined) failed.push(layer.mirror)
    }
    return { found: undefined, failed }
  }

  /** The blob in the mirrors but one, each asked when the next is wanted; what is in doubt comes last. */
  async *#candidates(
    name: RepositoryName,
    digest: Digest,
    options: Abortable,
    except?: Mirror,
  ): AsyncGenerator<MirrorCandidate & { mirror: Mirror }> {
    const inDoubt: (MirrorCandidate & { mirror: Mirror })[] = []
    for (const layer of this.#mirrors) {
      const { mirror } = layer
      if (mirror === except) continue
      const box = await this.#hear(layer, (each, how) => each.blob(name, digest, how), options)
      const content = box?.answer
      if (content === undefined) continue
      const report = (error: unknown): void => {
        this.#doubts.failed(mirror.name, content)
        mirror.report(error)
      }
      const candidate = { mirror, content, report, patience: mirror.deadline }
      if (this.#doubts.has(mirror.name, content)) inDoubt.push(candidate)
      else yield candidate
    }
    yield* inDoubt
  }

  /** One mirror after the other, for what never changes: there is nothing to notice about it. */
  async #firstOf<T>(question: Question<T | undefined>, options: Abortable): Promise<T | undefined> {
    for (const layer of this.#mirrors) {
      const box = await this.#hear(layer, question, options)
      if (box?.answer !== undefined) return box.answer
    }
    return undefined
  }

  /** Asks a mirror for what never changes, however old its root is; that it could not be asked only matters in the end. */
  async #hear<T>(
    { mirror, reader }: MirrorLayer,
    question: Question<T>,
    options: Abortable,
  ): Promise<{ answer: T } | undefined> {
    if (reader === undefined) {
      this.#unheard.waiting(mirror)
      return undefined
    }
    const box = await mirror.ask((signal) => question(reader, { signal }), options)
    if (box === undefined) this.#unheard.skipped(mirror)
    return box
  }

  /** Our own tree and all mirrors at once: every answer there is, our own first, then in the mirrors' order. */
  async #all<T>(question: Question<T | undefined>, options: Abortable): Promise<Answer<T>[]> {
    const [own, ...boxes] = await Promise.all([
      question(this.#own, { signal: options.signal }),
      ...this.#mirrors.map((layer) => this.#ask(layer, question, options)),
    ] as const)
    const answers: Answer<T>[] = own === undefined ? [] : [{ mirror: undefined, answer: own }]
    for (const [index, box] of boxes.entries()) {
      const mirror = this.#mirrors[index]?.mirror
      if (mirror === undefined || box?.answer === undefined) continue
      this.#notices.used(mirror)
      answers.push({ mirror, answer: box.answer })
    }
    return answers
  }

  /** Asks a mirror something whose answer depends on how it stands today, and takes note when there is none. */
  async #ask<T>(
    { mirror, reader }: MirrorLayer,
    question: Question<T>,
    options: Abortable,
  ): Promise<{ answer: T } | undefined> {
    if (reader === undefined) {
      this.#notices.waiting(mirror)
      return undefined
    }
    const outdated = mirror.outdatedSince()
    if (outdated !== undefined) {
      this.#notices.outdated(mirror, outdated)
      return undefined
    }
    if (this.#hadEnough(mirror)) {
      this.#notices.skipped(mirror)
      return undefined
    }
    const box = await mirror.ask((signal) => question(reader, { signal }), options)
    if (box === undefined) {
      this.#failures.set(mirror, (this.#failures.get(mirror) ?? 0) + 1)
      this.#notices.skipped(mirror)
    }
    return box
  }

  #hadEnough(mirror: Mirror): boolean {
    return (this.#failures.get(mirror) ?? 0) >= FAILURES_MAX || this.#now() > this.#until
  }
}

function nonEmpty<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list
}

/** Sorted in ASCII order, each once. The first `limit` of the union are among the first `limit` of each list. */
function union(lists: readonly Answer<string[]>[], limit?: number): string[] {
  return [...new Set(lists.flatMap(({ answer }) => answer))].sort(byCodeUnit).slice(0, limit)
}
