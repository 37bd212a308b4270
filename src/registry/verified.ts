import { algorithmOf, digestOf } from '../oci/digest.ts'
import { MANIFEST_MAX_BYTES, REFERENCES_MAX } from '../oci/manifest.ts'
import { FactsCache } from './facts-cache.ts'
import { WrongLengthError, readAll } from './read-all.ts'
import { WrongContentError } from './trust.ts'
import { UnprovenContent, impatient } from './verified-content.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Foresight } from './foresight.ts'
import type { MirrorErrorHandler } from './mirror.ts'
import type { Abortable, Content, Page, RegistryReader, RepositoryPage } from './ports.ts'
import type { Trust } from './trust.ts'

/** What a {@link VerifiedReader} needs besides the mirror's reader. */
export interface VerifyInit {
  /** Shared by all mirrors. */
  trust: Trust
  /** Largest blob, in bytes; what claims to be larger is not there. */
  blobLimit: number
  /** Told about content that is not what the mirror claims. */
  onMirrorError?: MirrorErrorHandler | undefined
  /** What is known of manifests; shared with those who serve them. */
  facts?: FactsCache | undefined
  /** Told of manifests that were proven. */
  foresight?: Foresight | undefined
}

/**
 * A mirror whose claims are checked: nothing it says about a digest is completed before the content proved it. Manifests are verified before they are given out; blobs verify
 * themselves while they are read (`UnprovenContent`). What was found wrong is absent for a while.
 */
export class VerifiedReader implements RegistryReader {
  readonly source: string
  readonly #inner: RegistryReader
  readonly #trust: Trust
  readonly #blobLimit: number
  readonly #report: MirrorErrorHandler
  readonly #facts: FactsCache
  readonly #foresight: Foresight | undefined

  constructor(inner: RegistryReader, init: VerifyInit) {
    const { trust, blobLimit, onMirrorError = () => {}, facts = new FactsCache() } = init
    this.source = inner.source
    this.#inner = inner
    this.#trust = trust
    this.#blobLimit = blobLimit
    this.#report = onMirrorError
    this.#facts = facts
    this.#foresight = init.foresight
  }

  /** A tag whose manifest is wrong is absent too, so that the next mirror is asked for the tag. */
  async resolveTag(
    name: RepositoryName,
    tag: Tag,
    options?: Abortable,
  ): Promise<Digest | undefined> {
    const digest = await this.#inner.resolveTag(name, tag, options)
    if (digest === undefined) return undefined
    return (await this.manifest(name, digest, options)) === undefined ? undefined : digest
  }

  /** A document that we do not serve as a manifest is none here, so that the next mirror is asked. */
  async manifest(
    name: RepositoryName,
    digest: Digest,
    options: Abortable = {},
  ): Promise<Content | undefined> {
    const content = await this.#inner.manifest(name, digest, options)
    if (content === undefined || !this.#isAcceptable(content, MANIFEST_MAX_BYTES)) return undefined
    const isServed = this.#facts.peek(digest) !== undefined
    if (isServed && (await this.#trust.isProven(content))) return content
    return this.#prove(name, content, options)
  }

  async blob(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    const content = await this.#inner.blob(name, digest, options)
    if (content === undefined || !this.#isAcceptable(content, this.#blobLimit)) return undefined
    if (await this.#trust.isProven(content)) return impatient(content)
    return new UnprovenContent(content, this.source, this.#trust)
  }

  tags(name: RepositoryName, options?: Abortable & Page): Promise<string[] | undefined> {
    return this.#inner.tags(name, options)
  }

  repositories(options?: Abortable & RepositoryPage): Promise<string[]> {
    return this.#inner.repositories(options)
  }

  /** @throws an Error when there are more than anybody can mean: each one costs a look-up */
  async referrers(name: RepositoryName, subject: Digest, options?: Abortable): Promise<Digest[]> {
    const digests = await this.#inner.referrers(name, subject, options)
    if (digests.length <= REFERENCES_MAX) return digests
    throw new Error(
      `mirror ${this.source} claims ${digests.length} referrers of ${subject}, and at most ${REFERENCES_MAX} are taken`,
    )
  }

  #isAcceptable(content: Content, limit: number): boolean {
    if (this.#trust.isRejected(content)) return false
    const why = this.#impossible(content, limit)
    if (why !== undefined) this.#reject(content, why)
    return why === undefined
  }

  /** What the size alone proves. Nobody reads nothing, so an empty content would never come to be hashed. */
  #impossible({ size, digest }: Content, limit: number): string | undefined {
    if (size > limit) return `it claims ${size} bytes, and at most ${limit} are taken`
    const isEmptyDigest = digest === digestOf(new Uint8Array(0), algorithmOf(digest))
    return size === 0 && !isEmptyDigest ? 'it is empty' : undefined
  }

  /** Reads a manifest, which is small, and gives it out of memory so that it is not fetched twice. */
  async #prove(
    name: RepositoryName,
    content: Content,
    options: Abortable,
  ): Promise<Content | undefined> {
    const bytes = await this.#read(content, options)
    if (bytes === undefined) return undefined
    if (digestOf(bytes, algorithmOf(content.digest)) !== content.digest) {
      this.#reject(content, 'it hashes to something else')
      return undefined
    }
    await this.#trust.accept(content)
    this.#foresight?.look(this.#inner, name, bytes)
    const { digest, size, id } = content
    if (this.#facts.of(digest, bytes) === undefined) {
      const what = `mirror ${this.source}: ${digest} is not a manifest that this registry serves`
      this.#report(this.source, new Error(what))
      return undefined
    }
    return {
      digest,
      size,
      id,
      open: async function* ({ range } = {}) {
        yield range === undefined
          ? bytes
          : bytes.subarray(range.offset, range.offset + range.length)
      },
    }
  }

  async #read(content: Content, options: Abortable): Promise<Uint8Array | undefined> {
    try {
      return await readAll(content, options)
    } catch (error) {
      if (!(error instanceof WrongLengthError)) throw error
      this.#reject(content, 'it is not as long as it claims')
      return undefined
    }
  }

  #reject(content: Content, why: string): void {
    this.#trust.reject(content)
    this.#report(this.source, new WrongContentError(content, this.source, why))
  }
}
