import { ASK_AT_LEAST, boundedPage } from './full-page.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { RepositoryView } from '../oci/repository-pattern.ts'
import type { Found } from './full-page.ts'
import type { Abortable, Content, Page, RegistryReader, RepositoryPage } from './ports.ts'

/** So often names are asked for in one request: who may see one in a million does not make us read a million each time. */
const MOST_TIMES = 10

/** A registry of which only some repositories exist: nothing is looked up in the others, whatever is asked of them. */
export class AllowedReader implements RegistryReader {
  readonly source: string
  readonly #inner: RegistryReader
  readonly #allowed: RepositoryView

  constructor(inner: RegistryReader, allowed: RepositoryView) {
    this.source = inner.source
    this.#inner = inner
    this.#allowed = allowed
  }

  async resolveTag(
    name: RepositoryName,
    tag: Tag,
    options?: Abortable,
  ): Promise<Digest | undefined> {
    return this.#allowed.has(name) ? this.#inner.resolveTag(name, tag, options) : undefined
  }

  async manifest(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    return this.#allowed.has(name) ? this.#inner.manifest(name, digest, options) : undefined
  }

  async blob(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    return this.#allowed.has(name) ? this.#inner.blob(name, digest, options) : undefined
  }

  async tags(name: RepositoryName, options?: Abortable & Page): Promise<string[] | undefined> {
    return this.#allowed.has(name) ? this.#inner.tags(name, options) : undefined
  }

  async repositories(options: Abortable & RepositoryPage = {}): Promise<string[]> {
    return (await this.#page(options, Infinity)).names
  }

  /** A page of them for so much work as a request may cost. */
  repositoryPage(options: Abortable & RepositoryPage): Promise<Found> {
    return this.#page(options, MOST_TIMES)
  }

  async #page(options: Abortable & RepositoryPage, most: number): Promise<Found> {
    const within = (parts: readonly string[]): boolean => this.#allowed.mayHold(parts)
    const page = await boundedPage(options, { least: ASK_AT_LEAST, most }, async (which) => {
      const batch = await this.#inner.repositories({ ...options, ...which, within })
      return { batch, shown: batch.filter((name) => this.#allowed.has(name as RepositoryName)) }
    })
    return page ?? { names: [] }
  }

  async referrers(name: RepositoryName, subject: Digest, options?: Abortable): Promise<Digest[]> {
    return this.#allowed.has(name) ? this.#inner.referrers(name, subject, options) : []
  }
}
