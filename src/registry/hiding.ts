import { tryParseTag } from '../oci/name.ts'
import { ASK_AT_LEAST, fullPage } from './full-page.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Abortable, Content, Page, RegistryReader, RepositoryPage } from './ports.ts'
import type { Recent } from './recent.ts'
import type { Tombstones } from './tombstones.ts'

/** What a {@link HidingReader} hides. */
export interface Hidden {
  tombstones: Tombstones
  /** Content that could not be adopted lately, by {@link asideKey}: the client is to upload it. */
  aside: Recent
}

/** The key of content in {@link Hidden.aside}. */
export function asideKey(name: RepositoryName, digest: Digest): string {
  return `${name}@${digest}`
}

/** A mirror without what was deleted here, or is set aside for a while. */
export class HidingReader implements RegistryReader {
  readonly source: string
  readonly #inner: RegistryReader
  readonly #tombstones: Tombstones
  readonly #aside: Recent

  constructor(inner: RegistryReader, { tombstones, aside }: Hidden) {
    this.source = inner.source
    this.#inner = inner
    this.#tombstones = tombstones
    this.#aside = aside
  }

  async resolveTag(
    name: RepositoryName,
    tag: Tag,
    options?: Abortable,
  ): Promise<Digest | undefined> {
    if (this.#tombstones.hidesRepository(name) || this.#tombstones.hides(name, 'tag', tag))
      return undefined
    const digest = await this.#inner.resolveTag(name, tag, options)
    return digest === undefined || this.#tombstones.hides(name, 'manifest', digest)
      ? undefined
      : digest
  }

  async manifest(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    if (this.#hides(name, 'manifest', digest)) return undefined
    return this.#inner.manifest(name, digest, options)
  }

  /** A manifest can be read as a blob too, so its tombstone hides both. */
  async blob(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    if (this.#hides(name, 'blob', digest) || this.#hides(name, 'manifest', digest)) return undefined
    return this.#inner.blob(name, digest, options)
  }

  async tags(name: RepositoryName, options: Abortable & Page = {}): Promise<string[] | undefined> {
    if (this.#tombstones.hidesRepository(name)) return undefined
    // Each tag costs a look-up where manifests are hidden, so no more are asked for than are wanted.
    const least = this.#tombstones.hidesAny(name, 'manifest') ? 1 : ASK_AT_LEAST
    return fullPage(options, least, async (which) => {
      const batch = await this.#inner.tags(name, { ...options, ...which })
      return batch && { batch, shown: await this.#shown(name, batch, options) }
    })
  }

  async repositories(options: Abortable & RepositoryPage = {}): Promise<string[]> {
    const names = await fullPage(options, ASK_AT_LEAST, async (which) => {
      const batch = await this.#inner.repositories({ ...options, ...which })
      const shown = batch.filter(
        (name) => !this.#tombstones.hidesRepository(name as RepositoryName),
      )
      return { batch, shown }
    })
    return names ?? []
  }

  async referrers(name: RepositoryName, subject: Digest, options?: Abortable): Promise<Digest[]> {
    if (this.#tombstones.hidesRepository(name)) return []
    const digests = await this.#inner.referrers(name, subject, options)
    return digests.filter((digest) => !this.#tombstones.hides(name, 'manifest', digest))
  }

  #hides(name: RepositoryName, kind: 'manifest' | 'blob', digest: Digest): boolean {
    return (
      this.#tombstones.hidesRepository(name) ||
      this.#tombstones.hides(name, kind, digest) ||
      this.#aside.has(asideKey(name, digest))
    )
  }

  async #shown(name: RepositoryName, tags: string[], options: Abortable): Promise<string[]> {
    // Which manifest a tag points to costs a look-up each, so it is only asked when it matters.
    const byManifest = this.#tombstones.hidesAny(name, 'manifest')
    const shown: string[] = []
    for (const text of tags) {
      const tag = tryParseTag(text)
      if (tag === undefined || this.#tombstones.hides(name, 'tag', tag)) continue
      if (byManifest && (await this.resolveTag(name, tag, options)) === undefined) continue
      shown.push(tag)
    }
    return shown
  }
}
