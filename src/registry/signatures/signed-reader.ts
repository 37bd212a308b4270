import { isFallbackTag } from '../fallback-tag.ts'
import { readManifestBytes } from '../pull.ts'
import { mayBeDocuments } from './gate.ts'
import { isListOfReferrers } from './list-of-referrers.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName, Tag } from '../../oci/name.ts'
import type { MirrorErrorHandler } from '../mirror.ts'
import type { Abortable, Content, Page, RegistryReader, RepositoryPage } from '../ports.ts'
import type { Recent } from '../recent.ts'
import type { Asked, SignatureGate } from './gate.ts'

/** What a {@link SignedReader} needs besides the mirror's reader. */
export interface SignedInit {
  readonly gate: SignatureGate
  /** What was found unsigned lately. */
  readonly refused: Recent
  readonly onMirrorError: MirrorErrorHandler
}

/** What was asked for, and under which tag, if under any. */
type Named = Pick<Asked, 'name' | 'tag'>

/** A mirror has something that none of the keys for it has signed. */
class UnsignedError extends Error {
  static override readonly name = 'UnsignedError'
  override readonly name = 'UnsignedError'

  constructor(mirror: string, name: RepositoryName, digest: Digest) {
    super(`mirror ${mirror}: ${name}@${digest} is not signed by a key of its signedBy`)
  }
}

/**
 * A mirror of which only what is signed exists, as the gate decides. It serves one request, and stands around a reader
 * that has verified what it gives.
 */
export class SignedReader implements RegistryReader {
  readonly source: string
  readonly #inner: RegistryReader
  readonly #init: SignedInit
  /** Found behind fallback tags: lists of referrers, each of which has to pass by itself. */
  readonly #lists = new Set<Digest>()

  constructor(inner: RegistryReader, init: SignedInit) {
    this.source = inner.source
    this.#inner = inner
    this.#init = init
  }

  async resolveTag(
    name: RepositoryName,
    tag: Tag,
    options: Abortable = {},
  ): Promise<Digest | undefined> {
    const digest = await this.#inner.resolveTag(name, tag, options)
    if (digest === undefined || this.#init.gate.standing(digest) !== undefined) return digest
    const content = await this.#inner.manifest(name, digest, options)
    if (content !== undefined && isFallbackTag(tag) && (await isList(content, options))) {
      this.#lists.add(digest)
      return digest
    }
    return content && (await this.#passes({ name, tag }, content, options)) ? digest : undefined
  }

  async manifest(
    name: RepositoryName,
    digest: Digest,
    options: Abortable = {},
  ): Promise<Content | undefined> {
    const content = await this.#inner.manifest(name, digest, options)
    if (content === undefined) return undefined
    if (this.#lists.has(digest)) return content
    return (await this.#passes({ name }, content, options)) ? content : undefined
  }

  /** A list tells of it: what it claims will do, until somebody asks for it. */
  async listed(
    name: RepositoryName,
    digest: Digest,
    options: Abortable = {},
  ): Promise<Content | undefined> {
    const content = await this.#inner.manifest(name, digest, options)
    return content && (await this.#passes({ name }, content, options, 'lists'))
      ? content
      : undefined
  }

  async blob(
    name: RepositoryName,
    digest: Digest,
    options: Abortable = {},
  ): Promise<Content | undefined> {
    const content = await this.#inner.blob(name, digest, options)
    if (content === undefined) return undefined
    const { gate } = this.#init
    const place = { reader: this.#inner, name }
    if (await gate.blobPasses(place, content, options)) return content
    this.#refuse({ name }, digest)
    return undefined
  }

  tags(name: RepositoryName, options?: Abortable & Page): Promise<string[] | undefined> {
    return this.#inner.tags(name, options)
  }

  repositories(options?: Abortable & RepositoryPage): Promise<string[]> {
    return this.#inner.repositories(options)
  }

  referrers(name: RepositoryName, subject: Digest, options?: Abortable): Promise<Digest[]> {
    return this.#inner.referrers(name, subject, options)
  }

  async #passes(
    asked: Named,
    content: Content,
    options: Abortable,
    how: 'passes' | 'lists' = 'passes',
  ): Promise<boolean> {
    const { gate, refused } = this.#init
    const { digest } = content
    const standing = gate.standing(digest)
    if (standing === 'signed') return true
    const isRefused = refusedKeys(asked, digest).some((key) => refused.has(key))
    if (standing === undefined && isRefused) return false
    const bytes = await readManifestBytes(content, options)
    const place = { reader: this.#inner, ...asked }
    if (bytes !== undefined && (await gate[how](place, digest, bytes, options))) return true
    this.#refuse(asked, digest)
    return false
  }

  #refuse(asked: Named, digest: Digest): void {
    const [key = ''] = refusedKeys(asked, digest)
    this.#init.refused.add(key)
    this.#init.onMirrorError(this.source, new UnsignedError(this.source, asked.name, digest))
  }
}

/** What is refused as a version may pass otherwise; what is refused otherwise is no version either. */
function refusedKeys(asked: Named, digest: Digest): string[] {
  const whole = `${asked.name}@${digest}`
  return mayBeDocuments(asked) ? [whole] : [`${asked.name}:${digest}`, whole]
}

async function isList(content: Content, options: Abortable): Promise<boolean> {
  const bytes = await readManifestBytes(content, options)
  return bytes !== undefined && isListOfReferrers(content.digest, bytes)
}
