import { byCodeUnit } from '../oci/ascii-order.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { PublishRules } from '../oci/publish-rules.ts'
import type { Abortable, Content, Page, RegistryReader, RepositoryPage } from '../registry/ports.ts'

/** What a {@link HalvesReader} reads. */
export interface Halves {
  readonly public: RegistryReader
  readonly private: RegistryReader
  readonly rules: PublishRules
}

/**
 * Our published tree and the one that is not published, as one registry. A repository is wholly in one of them: where
 * the rules want it, or, in an older state, where they wanted it then. So both are asked, the likely one first.
 */
export class HalvesReader implements RegistryReader {
  readonly source: string
  readonly #halves: Halves

  constructor(halves: Halves) {
    this.source = halves.public.source
    this.#halves = halves
  }

  resolveTag(name: RepositoryName, tag: Tag, options?: Abortable): Promise<Digest | undefined> {
    return this.#first(name, (half) => half.resolveTag(name, tag, options))
  }

  manifest(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    return this.#first(name, (half) => half.manifest(name, digest, options))
  }

  blob(name: RepositoryName, digest: Digest, options?: Abortable): Promise<Content | undefined> {
    return this.#first(name, (half) => half.blob(name, digest, options))
  }

  tags(name: RepositoryName, options?: Abortable & Page): Promise<string[] | undefined> {
    return this.#first(name, (half) => half.tags(name, options))
  }

  /** The first names of the union are among the first names of each. */
  async repositories(options: Abortable & RepositoryPage = {}): Promise<string[]> {
    const [published, others] = await Promise.all([
      this.#halves.public.repositories(options),
      this.#halves.private.repositories(options),
    ])
    if (others.length === 0) return published
    return [...new Set([...published, ...others])].sort(byCodeUnit).slice(0, options.limit)
  }

  async referrers(name: RepositoryName, subject: Digest, options?: Abortable): Promise<Digest[]> {
    const question = async (half: RegistryReader): Promise<Digest[] | undefined> => {
      const found = await half.referrers(name, subject, options)
      return found.length === 0 ? undefined : found
    }
    return (await this.#first(name, question)) ?? []
  }

  async #first<T>(
    name: RepositoryName,
    question: (half: RegistryReader) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { public: published, private: others, rules } = this.#halves
    const order = rules.isPublished(name) ? [published, others] : [others, published]
    for (const half of order) {
      const answer = await question(half)
      if (answer !== undefined) return answer
    }
    return undefined
  }
}
