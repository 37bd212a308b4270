import { algorithmOf, createHasher, digestOf } from '../../src/oci/digest.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { RepositoryName, Tag } from '../../src/oci/name.ts'
import type {
  Abortable,
  BlobFinder,
  ByteRange,
  Content,
  ContentStore,
  Page,
  RegistryReader,
  RegistrySource,
  RegistryWriter,
  StoredContent,
  Transaction,
  Upload,
  UploadInfo,
  UploadStore,
} from '../../src/registry/ports.ts'

/** Memory twins of every port in `registry/ports.ts`: for tests of the rooms that meet there. */

/** Bytes by content id, shared by everything that belongs to one memory registry. */
export type MemoryBytes = Map<string, Uint8Array>

/** Bytes are handed out in pieces of this size, so that tests see streams and not one chunk. */
export const MEMORY_CHUNK_BYTES = 1024

/** Takes content into memory, in one pass. */
export class MemoryContentStore implements ContentStore {
  readonly bytes: MemoryBytes

  constructor(bytes: MemoryBytes = new Map()) {
    this.bytes = bytes
  }

  async write(
    source: Uint8Array | AsyncIterable<Uint8Array>,
    expected: Digest,
    { limit = Infinity, signal }: Abortable & { limit?: number | undefined } = {},
  ): Promise<StoredContent> {
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      signal?.throwIfAborted()
      size += chunk.length
      if (size > limit) throw new RegistryError('TOO_LARGE')
      chunks.push(Uint8Array.from(chunk))
    }
    return this.keep(Buffer.concat(chunks), expected)
  }

  hold = (): Disposable => ({ [Symbol.dispose]: () => undefined }) // nothing is collected here
  /** @throws RegistryError DIGEST_INVALID */
  keep(bytes: Uint8Array, expected: Digest): StoredContent {
    if (digestOf(bytes, algorithmOf(expected)) !== expected)
      throw new RegistryError('DIGEST_INVALID')
    const id = memoryId(bytes)
    this.bytes.set(id, bytes)
    return { digest: expected, size: bytes.length, id, treeSize: bytes.length }
  }
}

function memoryId(bytes: Uint8Array): string {
  return `memory:${digestOf(bytes)}`
}

interface Repository {
  blobs: Map<Digest, StoredContent>
  manifests: Map<Digest, { content: StoredContent; subject: Digest | undefined }>
  tags: Map<Tag, Digest>
}

type State = Map<RepositoryName, Repository>

function copy(state: State): State {
  return new Map(
    [...state].map(([name, { blobs, manifests, tags }]) => [
      name,
      { blobs: new Map(blobs), manifests: new Map(manifests), tags: new Map(tags) },
    ]),
  )
}

/** A registry in memory: source, writer and content store in one. Transactions run one after the other. */
export class MemoryRegistry implements RegistrySource, RegistryWriter, BlobFinder {
  readonly name: string
  readonly content: MemoryContentStore
  /** Commits so far. */
  commits = 0
  #state: State = new Map()
  #lane: Promise<unknown> = Promise.resolve()

  constructor(name = 'own', content = new MemoryContentStore()) {
    this.name = name
    this.content = content
  }

  reader(): RegistryReader {
    return new MemoryReader(this.name, this.#state, this.content.bytes)
  }

  transact<T>(edit: (tx: Transaction) => Promise<T>, { signal }: Abortable = {}): Promise<T> {
    const run = async (): Promise<T> => {
      signal?.throwIfAborted()
      const state = copy(this.#state)
      const result = await edit(new MemoryTransaction(this.name, state, this.content.bytes))
      this.#state = state
      this.commits++
      return result
    }
    const result = this.#lane.then(run)
    this.#lane = result.catch(() => undefined)
    return result
  }

  async findBlob(
    digest: Digest,
    near: RepositoryName,
    { within = () => true }: Parameters<BlobFinder['findBlob']>[2] = {},
  ): Promise<RepositoryName | undefined> {
    const names = [near, ...this.#state.keys()].filter(within)
    return names.find((name) => this.#state.get(name)?.blobs.has(digest))
  }
}

/** A memory registry at one moment. */
class MemoryReader implements RegistryReader {
  readonly source: string
  readonly #state: State
  readonly #bytes: MemoryBytes

  constructor(source: string, state: State, bytes: MemoryBytes) {
    this.source = source
    this.#state = state
    this.#bytes = bytes
  }

  async resolveTag(
    name: RepositoryName,
    tag: Tag,
    options?: Abortable,
  ): Promise<Digest | undefined> {
    options?.signal?.throwIfAborted()
    return this.#state.get(name)?.tags.get(tag)
  }

  async manifest(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    options?.signal?.throwIfAborted()
    return this.#content(this.#state.get(name)?.manifests.get(digest)?.content)
  }

  async blob(
    name: RepositoryName,
    digest: Digest,
    options?: Abortable,
  ): Promise<Content | undefined> {
    options?.signal?.throwIfAborted()
    const repository = this.#state.get(name)
    return this.#content(
      repository?.blobs.get(digest) ?? repository?.manifests.get(digest)?.content,
    )
  }

  async tags(name: RepositoryName, options: Abortable & Page = {}): Promise<string[] | undefined> {
    options.signal?.throwIfAborted()
    const repository = this.#state.get(name)
    return repository && pageOf([...repository.tags.keys()], options)
  }

  async repositories(options: Abortable & Page = {}): Promise<string[]> {
    options.signal?.throwIfAborted()
    return pageOf([...this.#state.keys()], options)
  }

  async referrers(name: RepositoryName, subject: Digest, options?: Abortable): Promise<Digest[]> {
    options?.signal?.throwIfAborted()
    const manifests = [...(this.#state.get(name)?.manifests ?? [])]
    return manifests
      .filter(([, entry]) => entry.subject === subject)
      .map(([digest]) => digest)
      .sort()
  }

  #content(stored: StoredContent | undefined): Content | undefined {
    if (stored === undefined) return undefined
    const bytes = this.#bytes
    return {
      digest: stored.digest,
      size: stored.size,
      id: stored.id,
      open: (options) => stream(bytes.get(stored.id), stored.id, options),
    }
  }
}

async function* stream(
  bytes: Uint8Array | undefined,
  id: string,
  { range, signal }: Abortable & { range?: ByteRange | undefined } = {},
): AsyncGenerator<Uint8Array> {
  if (bytes === undefined) throw new Error(`${id} is missing`)
  const start = range?.offset ?? 0
  const end = range === undefined ? bytes.length : start + range.length
  for (let at = start; at < end; at += MEMORY_CHUNK_BYTES) {
    signal?.throwIfAborted()
    yield bytes.subarray(at, Math.min(end, at + MEMORY_CHUNK_BYTES))
  }
}

function pageOf(names: string[], { after, limit }: Page): string[] {
  const rest = names.sort().filter((name) => after === undefined || name > after)
  return rest.slice(0, limit)
}

class MemoryTransaction implements Transaction {
  readonly reader: RegistryReader
  readonly #state: State

  constructor(source: string, state: State, bytes: MemoryBytes) {
    this.#state = state
    this.reader = new MemoryReader(source, state, bytes)
  }

  async linkBlob(name: RepositoryName, content: StoredContent): Promise<void> {
    this.#repository(name).blobs.set(content.digest, content)
  }

  async mountBlob(name: RepositoryName, digest: Digest, from: RepositoryName): Promise<boolean> {
    const content = this.#state.get(from)?.blobs.get(digest)
    if (content !== undefined) this.#repository(name).blobs.set(digest, content)
    return content !== undefined
  }

  async putManifest(name: RepositoryName, content: StoredContent, subject?: Digest): Promise<void> {
    this.#repository(name).manifests.set(content.digest, { content, subject })
  }

  async setTag(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    this.#repository(name).tags.set(tag, digest)
  }

  async removeTag(name: RepositoryName, tag: Tag): Promise<boolean> {
    const isRemoved = this.#state.get(name)?.tags.delete(tag) ?? false
    this.#dropEmpty(name)
    return isRemoved
  }

  async removeManifest(name: RepositoryName, digest: Digest): Promise<{ tags: Tag[] } | undefined> {
    const repository = this.#state.get(name)
    if (repository?.manifests.delete(digest) !== true) return undefined
    const tags = [...repository.tags].filter(([, target]) => target === digest).map(([tag]) => tag)
    for (const tag of tags) repository.tags.delete(tag)
    this.#dropEmpty(name)
    return { tags }
  }

  async removeBlob(name: RepositoryName, digest: Digest): Promise<boolean> {
    const isRemoved = this.#state.get(name)?.blobs.delete(digest) ?? false
    this.#dropEmpty(name)
    return isRemoved
  }

  async removeRepository(name: RepositoryName): Promise<boolean> {
    return this.#state.delete(name)
  }

  async removeContent(): Promise<void> {} // bytes are not part of this tree

  #repository(name: RepositoryName): Repository {
    const known = this.#state.get(name)
    if (known !== undefined) return known
    const repository: Repository = { blobs: new Map(), manifests: new Map(), tags: new Map() }
    this.#state.set(name, repository)
    return repository
  }

  #dropEmpty(name: RepositoryName): void {
    const repository = this.#state.get(name)
    if (
      repository &&
      repository.blobs.size + repository.manifests.size + repository.tags.size === 0
    ) {
      this.#state.delete(name)
    }
  }
}

interface SavedUpload {
  info: UploadInfo
  changedAt: number
  chunks: Uint8Array[]
}

/** Upload sessions in memory. A second store over the same {@link saved} is a second life of the process. */
export class MemoryUploadStore implements UploadStore {
  readonly content: MemoryContentStore
  readonly saved: Map<string, SavedUpload>
  readonly now: () => number

  constructor(
    content = new MemoryContentStore(),
    saved = new Map<string, SavedUpload>(),
    now: () => number = Date.now,
  ) {
    this.content = content
    this.saved = saved
    this.now = now
  }

  async create(info: UploadInfo): Promise<Upload> {
    this.saved.set(info.id, { info, changedAt: this.now(), chunks: [] })
    return new MemoryUpload(this.saved.get(info.id)!, this)
  }

  async open(id: string, { signal }: Abortable = {}): Promise<Upload | undefined> {
    const saved = signal?.throwIfAborted() ?? this.saved.get(id)
    return saved && new MemoryUpload(saved, this)
  }

  async discard(id: string): Promise<void> {
    this.saved.delete(id)
  }

  async sizeOf(id: string): Promise<number | undefined> {
    return this.saved.get(id)?.chunks.reduce((sum, { length }) => sum + length, 0)
  }

  async list(): ReturnType<UploadStore['list']> {
    return [...this.saved.values()].map(({ info, changedAt }) => ({ ...info, changedAt }))
  }
}

class MemoryUpload implements Upload {
  readonly id: string
  readonly name: RepositoryName
  readonly startedAt: number
  readonly algorithm: UploadInfo['algorithm']
  readonly owner: string | undefined
  readonly #saved: SavedUpload
  readonly #store: MemoryUploadStore

  constructor(saved: SavedUpload, store: MemoryUploadStore) {
    const { info } = saved
    ;[this.id, this.name, this.owner] = [info.id, info.name, info.owner]
    ;[this.startedAt, this.algorithm] = [info.startedAt, info.algorithm]
    this.#saved = saved
    this.#store = store
  }

  get size(): number {
    return this.#saved.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  async append(
    source: AsyncIterable<Uint8Array>,
    { limit = Infinity, signal }: Abortable & { limit?: number | undefined } = {},
  ): Promise<void> {
    for await (const chunk of source) {
      signal?.throwIfAborted()
      if (this.size + chunk.length > limit) throw new RegistryError('TOO_LARGE')
      this.#saved.chunks.push(Uint8Array.from(chunk))
      this.#saved.changedAt = this.#store.now()
    }
  }

  async finish(expected: Digest): Promise<StoredContent> {
    const hasher = createHasher(algorithmOf(expected))
    for (const chunk of this.#saved.chunks) hasher.update(chunk)
    if (hasher.digest() !== expected) throw new RegistryError('DIGEST_INVALID')
    return this.#store.content.keep(Buffer.concat(this.#saved.chunks), expected)
  }

  async discard(): Promise<void> {
    this.#store.saved.delete(this.id)
  }
}
