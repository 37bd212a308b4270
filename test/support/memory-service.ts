import { randomUUID } from 'node:crypto'
import { createHasher, algorithmOf, digestOf } from '../../src/oci/digest.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import { PageOfReferrers } from '../../src/registry/referrers-page.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Reference, RepositoryName, Tag } from '../../src/oci/name.ts'
import type {
  Abortable,
  ByteRange,
  Chunk,
  Content,
  ManifestContent,
  NamePage,
  Notice,
  Page,
  ReferrersList,
  ReferrersPage,
  RegistryService,
  UploadService,
  UploadStatus,
} from '../../src/registry/ports.ts'

interface Repository {
  blobs: Map<string, Uint8Array>
  manifests: Map<string, Omit<ManifestContent, 'notices'> & { facts: ManifestFacts }>
  tags: Map<string, Digest>
}

interface ManifestFacts {
  mediaType?: string
  artifactType?: string
  config?: { mediaType?: string }
  subject?: { digest: Digest }
  annotations?: Record<string, string>
}

/**
 * A registry in memory that keeps the promises of RegistryService that a client can see through HTTP: digests are
 * proved, ranges are honoured, an upload session takes one chunk at a time and keeps what arrived. For specs of
 * `api/` only; the rules of manifests are those of `registry/`.
 */
export class MemoryService implements RegistryService {
  readonly repositories = new Map<string, Repository>()
  readonly uploads = new MemoryUploads((name, digest, bytes) => {
    this.repository(name).blobs.set(digest, bytes)
  })
  /** Bytes in one chunk of a blob that is read. */
  chunkSize = 64 * 1024
  deletes = true
  /** Sent along with whatever depends on mirrors. */
  notices: Notice[] = []

  repository(name: string): Repository {
    const known = this.repositories.get(name)
    if (known !== undefined) return known
    const made = { blobs: new Map(), manifests: new Map(), tags: new Map() }
    this.repositories.set(name, made)
    return made
  }

  /** Puts a blob there, as if it had been pushed. */
  addBlob(name: string, bytes: Uint8Array): Digest {
    const digest = digestOf(bytes)
    this.repository(name).blobs.set(digest, bytes)
    return digest
  }

  async getManifest(name: RepositoryName, reference: Reference): Promise<ManifestContent> {
    const repository = this.repositories.get(name)
    const digest =
      reference.kind === 'digest' ? reference.digest : repository?.tags.get(reference.tag)
    const manifest = digest && repository?.manifests.get(digest)
    if (!manifest) throw new RegistryError('MANIFEST_UNKNOWN', { notices: this.notices })
    return { ...manifest, notices: reference.kind === 'tag' ? this.notices : [] }
  }

  async getBlob(name: RepositoryName, digest: Digest): Promise<Content> {
    const bytes = this.repositories.get(name)?.blobs.get(digest)
    if (bytes === undefined) throw new RegistryError('BLOB_UNKNOWN', { notices: this.notices })
    const open = ({ range, signal }: Abortable & { range?: ByteRange | undefined } = {}) =>
      this.read(bytes, range ?? { offset: 0, length: bytes.length }, signal)
    return { digest, size: bytes.length, id: digest, open }
  }

  protected async *read(
    bytes: Uint8Array,
    { offset, length }: ByteRange,
    signal: AbortSignal | undefined,
  ): AsyncIterable<Uint8Array> {
    for (let at = offset; at < offset + length; at += this.chunkSize) {
      signal?.throwIfAborted()
      yield bytes.subarray(at, Math.min(at + this.chunkSize, offset + length))
    }
  }

  async listTags(name: RepositoryName, page: Page): Promise<NamePage> {
    const repository = this.repositories.get(name)
    if (repository === undefined) throw new RegistryError('NAME_UNKNOWN', { notices: this.notices })
    return { ...cut([...repository.tags.keys()], page), notices: this.notices }
  }

  async listRepositories(page: Page): Promise<NamePage> {
    return { ...cut([...this.repositories.keys()], page), notices: this.notices }
  }

  async listReferrers(
    name: RepositoryName,
    subject: Digest,
    options: ReferrersPage = {},
  ): Promise<ReferrersList> {
    const { after = '' } = options
    const page = new PageOfReferrers(options)
    const all = [...(this.repositories.get(name)?.manifests.values() ?? [])]
    all
      .filter(({ digest, facts }) => facts.subject?.digest === subject && digest > after)
      .sort((a, b) => (a.digest < b.digest ? -1 : 1))
      .map(({ digest, mediaType, bytes, facts }) => ({
        mediaType,
        digest,
        size: bytes.length,
        artifactType: facts.artifactType ?? facts.config?.mediaType ?? '',
        ...(facts.annotations && { annotations: facts.annotations }),
      }))
      .forEach((descriptor) => page.add(descriptor))
    return { manifests: page.manifests, more: page.more, notices: this.notices }
  }

  async putManifest(
    name: RepositoryName,
    reference: Reference,
    bytes: Uint8Array,
    contentType: string | undefined,
    options: { tags?: readonly Tag[] | undefined } = {},
  ): Promise<{ digest: Digest; subject: Digest | undefined }> {
    const facts = parseFacts(bytes)
    const mediaType = facts.mediaType ?? contentType
    if (mediaType === undefined || (contentType ?? mediaType) !== mediaType) {
      throw new RegistryError('MANIFEST_INVALID')
    }
    const wanted = reference.kind === 'digest' ? algorithmOf(reference.digest) : 'sha256'
    const digest = digestOf(bytes, wanted)
    if (reference.kind === 'digest' && reference.digest !== digest) {
      throw new RegistryError('DIGEST_INVALID')
    }
    const repository = this.repository(name)
    repository.manifests.set(digest, { digest, mediaType, bytes, facts })
    if (reference.kind === 'tag') repository.tags.set(reference.tag, digest)
    for (const tag of options.tags ?? []) repository.tags.set(tag, digest)
    return { digest, subject: facts.subject?.digest }
  }

  async deleteManifest(name: RepositoryName, reference: Reference): Promise<void> {
    this.#refuseDelete()
    const repository = this.repository(name)
    const found =
      reference.kind === 'tag'
        ? repository.tags.delete(reference.tag)
        : repository.manifests.delete(reference.digest)
    if (!found) throw new RegistryError('MANIFEST_UNKNOWN')
    if (reference.kind === 'tag') return
    for (const [tag, digest] of repository.tags) {
      if (digest === reference.digest) repository.tags.delete(tag)
    }
  }

  async deleteBlob(name: RepositoryName, digest: Digest): Promise<void> {
    this.#refuseDelete()
    if (!this.repository(name).blobs.delete(digest)) throw new RegistryError('BLOB_UNKNOWN')
  }

  async deleteRepository(name: RepositoryName): Promise<void> {
    this.#refuseDelete()
    if (!this.repositories.delete(name)) throw new RegistryError('NAME_UNKNOWN')
  }

  async mountBlob(
    name: RepositoryName,
    digest: Digest,
    from: RepositoryName | undefined,
  ): Promise<boolean> {
    const sources = from === undefined ? [...this.repositories.keys()] : [from]
    const found = sources.map((source) => this.repositories.get(source)?.blobs.get(digest))
    const bytes = found.find((candidate) => candidate !== undefined)
    if (bytes !== undefined) this.repository(name).blobs.set(digest, bytes)
    return bytes !== undefined
  }

  #refuseDelete(): void {
    if (!this.deletes) throw new RegistryError('UNSUPPORTED', { message: 'deletes are off' })
  }
}

interface Session {
  name: string
  chunks: Uint8Array[]
  size: number
  busy: boolean
}

/** Upload sessions in memory. */
export class MemoryUploads implements UploadService {
  readonly sessions = new Map<string, Session>()
  readonly #link: (name: string, digest: Digest, bytes: Uint8Array) => void
  readonly #listeners: ((id: string) => void)[] = []
  /** Called whenever a chunk has been kept: what a spec waits for instead of sleeping. */
  onKept: (id: string, size: number) => void = () => undefined

  constructor(link: (name: string, digest: Digest, bytes: Uint8Array) => void) {
    this.#link = link
  }

  async create(name: RepositoryName): Promise<UploadStatus> {
    const id = randomUUID()
    this.sessions.set(id, { name, chunks: [], size: 0, busy: false })
    return { id, size: 0 }
  }

  async status(name: RepositoryName, id: string): Promise<UploadStatus> {
    return { id, size: this.#find(name, id).size }
  }

  async append(name: RepositoryName, id: string, { source, range }: Chunk): Promise<UploadStatus> {
    const session = this.#find(name, id)
    const { size } = session
    if (session.busy || (range !== undefined && range.start !== size)) {
      throw new RegistryError('RANGE_INVALID', { detail: { size } })
    }
    session.busy = true
    try {
      for await (const bytes of source) {
        session.chunks.push(bytes)
        session.size += bytes.length
        this.onKept(id, session.size)
      }
    } finally {
      session.busy = false
    }
    if (range !== undefined && session.size - size !== range.end - range.start + 1) {
      throw new RegistryError('SIZE_INVALID')
    }
    return { id, size: session.size }
  }

  async finish(
    name: RepositoryName,
    id: string,
    digest: Digest,
    chunk: Chunk | undefined,
  ): Promise<number> {
    if (chunk !== undefined) await this.append(name, id, chunk)
    const { chunks } = this.#find(name, id)
    this.#end(id)
    const hasher = createHasher(algorithmOf(digest))
    for (const bytes of chunks) hasher.update(bytes)
    if (hasher.digest() !== digest) throw new RegistryError('DIGEST_INVALID')
    const bytes = Buffer.concat(chunks)
    this.#link(name, digest, bytes)
    return bytes.length
  }

  async cancel(name: RepositoryName, id: string): Promise<void> {
    this.#find(name, id)
    this.#end(id)
  }

  onEnd(listener: (id: string) => void): void {
    this.#listeners.push(listener)
  }

  #end(id: string): void {
    this.sessions.delete(id)
    for (const listener of this.#listeners) listener(id)
  }

  #find(name: string, id: string): Session {
    const session = this.sessions.get(id)
    if (session?.name !== name) throw new RegistryError('BLOB_UPLOAD_UNKNOWN')
    return session
  }
}

function parseFacts(bytes: Uint8Array): ManifestFacts {
  try {
    const facts: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (typeof facts === 'object' && facts !== null && !Array.isArray(facts)) return facts
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new RegistryError('MANIFEST_INVALID')
}

function cut(names: string[], { after = '', limit = Infinity }: Page): Omit<NamePage, 'notices'> {
  const rest = names.filter((name) => name > after).toSorted((a, b) => (a < b ? -1 : 1))
  return { names: rest.slice(0, limit), more: rest.length > limit }
}
