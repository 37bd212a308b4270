import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import type { Reference, RepositoryName, Tag } from '../oci/name.ts'
import type { Abortable, Asked, Conditional } from './asked.ts'
import type { Content, StoredContent } from './content.ts'
import type { ManifestContent, NamePage, ReferrersList, ReferrersPage } from './answers.ts'

export type { ManifestContent, NamePage, Notice, ReferrersList, ReferrersPage } from './answers.ts'
export type { Abortable, Asked, Conditional } from './asked.ts'
export type { ByteRange, Content, OpenOptions, StoredContent } from './content.ts'
export type { Rights, StandingRules } from './rights.ts'

/**
 * The interfaces at which the rooms meet.
 *
 * Reading: a {@link RegistrySource} (our own tree, or one mirror) gives a {@link RegistryReader} over one root.
 * Writing: {@link RegistryWriter.transact} runs an edit alone and makes it durable before it resolves.
 * Bytes: {@link ContentStore} and {@link UploadStore} put content on disk before the tree links it.
 * HTTP speaks to {@link RegistryService} only.
 *
 * One rule for all of them: what is not there is `undefined`; what could not be read throws (promise I3).
 */

/** One page of a sorted listing: names after `after` (exclusive), at most `limit`. */
export interface Page {
  after?: string | undefined
  limit?: number | undefined
}

/** A page of repositories. */
export interface RepositoryPage extends Page {
  /** Whether a repository is wanted whose name is, or begins with, these parts; a reader may list others too. */
  within?: ((parts: readonly string[]) => boolean) | undefined
}

/** A registry under one root: nothing in it changes while it is used. */
export interface RegistryReader {
  /** Whose tree this is, for logs and status: `own`, or the mirror's name. */
  readonly source: string
  /** The digest a tag points to. */
  resolveTag(name: RepositoryName, tag: Tag, options?: Abortable): Promise<Digest | undefined>
  /** A manifest that is a revision of this repository. */
  manifest(name: RepositoryName, digest: Digest, options?: Abortable): Promise<Content | undefined>
  /** Where that is less strict: a manifest of which a list tells that it is here. */
  listed?(name: RepositoryName, digest: Digest, options?: Abortable): Promise<Content | undefined>
  /** A blob that is linked in this repository (existing elsewhere does not count). */
  blob(name: RepositoryName, digest: Digest, options?: Abortable): Promise<Content | undefined>
  /** Tags in ASCII order; `undefined` when the repository is not known here. */
  tags(name: RepositoryName, options?: Abortable & Page): Promise<string[] | undefined>
  /** Repository names in ASCII order. */
  repositories(options?: Abortable & RepositoryPage): Promise<string[]>
  /** Digests of the manifests whose `subject` is this digest, in ASCII order. */
  referrers(name: RepositoryName, subject: Digest, options?: Abortable): Promise<Digest[]>
}

/** Something that can be read as a registry: our own tree, or a mirror once it has a root. */
export interface RegistrySource {
  readonly name: string
  /** A reader over the root that is current now; `undefined` for a mirror without a root yet. */
  reader(): RegistryReader | undefined
  /**
   * Since when the root may not be its owner's newest, in ms since the epoch; `undefined` while it is. Our own tree is
   * never behind itself, so it has no such question.
   */
  staleSince?(): number | undefined
}

/** Our own tree as it was after each commit. */
export interface SnapshotSource {
  /** @param root opaque to the rules (a CID as text) @returns `undefined` when this registry never had it */
  snapshot(root: string): Promise<RegistryReader | undefined>
}

/** Repositories that are published, and those that are not. */
export type Half = 'public' | 'private'

/**
 * What an edit may do to our tree. Valid only inside the edit. Everything it reads is the tree as this very edit
 * will change it; if the edit throws, none of its changes happen.
 */
export interface Transaction {
  readonly reader: RegistryReader
  /** Links a blob in a repository (and its bytes in the tree). */
  linkBlob(name: RepositoryName, content: StoredContent): Promise<void>
  /**
   * Links a blob that is already linked in `from`. False when it is not linked there: its bytes alone, which a deleted
   * blob leaves behind, bring nothing back.
   */
  mountBlob(name: RepositoryName, digest: Digest, from: RepositoryName): Promise<boolean>
  /** Makes a manifest a revision of the repository, and a referrer of its subject if it has one. */
  putManifest(name: RepositoryName, content: StoredContent, subject?: Digest): Promise<void>
  /** Points a tag at a revision. */
  setTag(name: RepositoryName, tag: Tag, digest: Digest): Promise<void>
  /** Removes only the tag. False when it was not there. */
  removeTag(name: RepositoryName, tag: Tag): Promise<boolean>
  /** Removes a revision with every tag that points to it. `undefined` when it was not there. */
  removeManifest(name: RepositoryName, digest: Digest): Promise<{ tags: Tag[] } | undefined>
  /** Unlinks a blob from this repository only. False when it was not linked. */
  removeBlob(name: RepositoryName, digest: Digest): Promise<boolean>
  /**
   * Removes a repository with all its blobs' links, manifests and tags; not the repositories whose names go on from its
   * own. False when it was not there.
   */
  removeRepository(name: RepositoryName): Promise<boolean>
  /** Removes the bytes of content that the caller knows to be linked nowhere in that half of our tree. */
  removeContent(digest: Digest, half?: Half): Promise<void>
}

/** The one way to change our tree (promise I2). */
export interface RegistryWriter {
  /**
   * Runs an edit alone in the commit lane. Resolves with its result when the change is durable (promise I1);
   * rejects with what the edit threw, in which case nothing of it happened.
   * An edit must not wait for the network.
   */
  transact<T>(edit: (tx: Transaction) => Promise<T>, options?: Abortable): Promise<T>
}

/** Finds a blob of our own tree by its digest alone. */
export interface BlobFinder {
  /**
   * A repository in which a blob is linked, `near` first; a manifest that is no blob of a repository does not count, and
   * bytes that nothing links never do. `undefined` when there is none, or when none was found in the time that this may
   * take: it says what was found, not what is not there. It is a hint: whoever relies on it checks again in an edit.
   *
   * @param options `within`: the repositories that may be found; all, without it. `isDiscreet`: how long it takes does not
   *   tell whether others have it
   */
  findBlob(
    digest: Digest,
    near: RepositoryName,
    options?: Abortable & {
      within?: ((name: RepositoryName) => boolean) | undefined
      isDiscreet?: boolean
    },
  ): Promise<RepositoryName | undefined>
}

/** Puts content on disk in one pass, ready to be linked. */
export interface ContentStore {
  /**
   * Stores content and proves its digest. Durable only when a transaction has linked it.
   *
   * @param source the bytes; an error it throws is rethrown
   * @throws RegistryError DIGEST_INVALID when the bytes are not what `expected` says
   * @throws RegistryError TOO_LARGE when there are more than `limit` bytes
   */
  write(
    source: Uint8Array | AsyncIterable<Uint8Array>,
    expected: Digest,
    options?: Abortable & { limit?: number | undefined },
  ): Promise<StoredContent>
  /** As long as it is held, what is written is not collected, however long it takes until a transaction links it. */
  hold(): Disposable
}

/** What an upload session is made with. */
export interface UploadInfo {
  readonly id: string
  readonly name: RepositoryName
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** The algorithm hashed while the bytes arrive; content under another one costs a second pass at the end. */
  readonly algorithm: DigestAlgorithm
  /** Who began it, as {@link Rights.user}. */
  readonly owner?: string | undefined
}

/** The bytes of one upload. Not safe for two callers at once: `registry/uploads` lets in one at a time. */
export interface Upload extends UploadInfo {
  /** Bytes kept so far. */
  readonly size: number
  /**
   * Adds bytes. What arrived before `source` failed is kept and durable, and counted in `size`;
   * then the failure is rethrown.
   *
   * @throws RegistryError TOO_LARGE when the upload would grow beyond `limit` bytes
   */
  append(
    source: AsyncIterable<Uint8Array>,
    options?: Abortable & { limit?: number | undefined },
  ): Promise<void>
  /**
   * Ends the content and proves its digest. The upload itself stays until {@link Upload.discard}.
   *
   * @throws RegistryError DIGEST_INVALID when the bytes are not what `expected` says
   */
  finish(expected: Digest, options?: Abortable): Promise<StoredContent>
  /** Forgets the upload. Idempotent, and allowed after `finish`. The collector takes its blocks. */
  discard(): Promise<void>
}

/** Upload sessions on disk; they outlive the process. */
export interface UploadStore {
  create(info: UploadInfo): Promise<Upload>
  /**
   * Finds a session made by {@link create}, also in an earlier life of the process: then its content is read
   * again, verified, and the offset falls back to the first byte that is missing.
   */
  open(id: string, options?: Abortable): Promise<Upload | undefined>
  /** Forgets a session that nobody has open, without reading what is in it. Fine when it is not there. */
  discard(id: string): Promise<void>
  /** Bytes of a session, without reading them; `undefined` when it is not there. */
  sizeOf(id: string): Promise<number | undefined>
  /** Every session on disk, and when bytes last came or it began: by the clock on the wall, in ms since the epoch. */
  list(): Promise<(UploadInfo & { readonly changedAt: number })[]>
}

/**
 * A small durable map. Keys are text; a `put` or `delete` that resolved survives power loss.
 * Each user has a map of its own (`state.map('trust')`).
 */
export interface DurableMap {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, value: Uint8Array): Promise<void>
  /** Puts all of these, or none. */
  putAll(entries: ReadonlyMap<string, Uint8Array>): Promise<void>
  delete(key: string): Promise<void>
  /** All entries whose key begins with `prefix`, in key order. */
  entries(prefix?: string): AsyncIterable<[string, Uint8Array]>
}

/** Where an upload session stands. */
export interface UploadStatus {
  readonly id: string
  /** Bytes kept so far: the next chunk must begin here. */
  readonly size: number
}

/** A chunk of an upload. */
export interface Chunk {
  source: AsyncIterable<Uint8Array>
  /** From `Content-Range: <start>-<end>` (inclusive, as the distribution-spec writes it); absent on a stream. */
  range?: { start: number; end: number } | undefined
}

/** What the registry does for a client. HTTP is a thin skin over this; all its errors are {@link RegistryError}s. */
export interface RegistryService {
  /** @throws RegistryError MANIFEST_UNKNOWN */
  getManifest(
    name: RepositoryName,
    reference: Reference,
    options?: Abortable,
  ): Promise<ManifestContent>
  /** @throws RegistryError BLOB_UNKNOWN */
  getBlob(name: RepositoryName, digest: Digest, options?: Abortable): Promise<Content>
  /** @throws RegistryError NAME_UNKNOWN */
  listTags(name: RepositoryName, page: Page & Abortable): Promise<NamePage>
  listRepositories(page: Page & Asked): Promise<NamePage>
  /**
   * The manifests that refer to `subject`; none when there are none.
   *
   * @param options `after`: only digests after this one, in ASCII order
   */
  listReferrers(
    name: RepositoryName,
    subject: Digest,
    options?: Abortable & ReferrersPage,
  ): Promise<ReferrersList>
  /**
   * @param contentType the request's Content-Type, without parameters; `undefined` when it had none
   * @param options `tags`: more tags to set in the same change (`PUT …/manifests/<digest>?tag=a&tag=b`)
   * @throws RegistryError MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN, DIGEST_INVALID, UNSUPPORTED (read-only node), DENIED
   * (a tag is there that may not be moved; with 412, when a condition is not met), UNAVAILABLE (a mirror that a condition
   * depends on could not be asked)
   */
  putManifest(
    name: RepositoryName,
    reference: Reference,
    bytes: Uint8Array,
    contentType: string | undefined,
    options?: Asked & Conditional & { tags?: readonly Tag[] | undefined },
  ): Promise<{ digest: Digest; subject: Digest | undefined }>
  /**
   * @throws RegistryError MANIFEST_UNKNOWN, UNSUPPORTED (deletes are off, or read-only node), DENIED (a tag stays; with
   * 412, when a condition is not met), UNAVAILABLE as {@link putManifest}
   */
  deleteManifest(
    name: RepositoryName,
    reference: Reference,
    options?: Abortable & Conditional,
  ): Promise<void>
  /** @throws RegistryError BLOB_UNKNOWN, UNSUPPORTED (deletes are off, or read-only node), DENIED as {@link deleteManifest} */
  deleteBlob(name: RepositoryName, digest: Digest, options?: Abortable & Conditional): Promise<void>
  /**
   * Removes a repository, and hides what mirrors have of it. Its upload sessions end.
   *
   * @throws RegistryError NAME_UNKNOWN, UNSUPPORTED (deletes are off, or read-only node), DENIED (a tag stays)
   */
  deleteRepository(name: RepositoryName, options?: Abortable): Promise<void>
  /**
   * Links a blob that another repository of our own tree links: the one that is named, or, without a name, any that is
   * found. One that is named and does not have it is not a wish to look elsewhere. What only a mirror has is not mounted:
   * it would have to be fetched first. What the caller may not pull is as if it was not there. False: the caller opens an
   * upload session instead.
   *
   * @throws RegistryError UNSUPPORTED (read-only node)
   */
  mountBlob(
    name: RepositoryName,
    digest: Digest,
    from: RepositoryName | undefined,
    options?: Asked,
  ): Promise<boolean>
  readonly uploads: UploadService
}

/**
 * The upload half of {@link RegistryService}. A session belongs to one repository and to who began it; elsewhere, and for
 * others, it is unknown.
 */
export interface UploadService {
  /**
   * Begins an upload.
   *
   * @param options `algorithm`: what the content will be named by, if the client said so (`?digest-algorithm=`). It only
   * saves a second pass over the content: {@link UploadService.finish} takes a digest of either algorithm.
   * @throws RegistryError UNSUPPORTED (read-only node), TOOMANYREQUESTS (with Retry-After) when too many are open
   */
  create(
    name: RepositoryName,
    options?: Asked & { algorithm?: DigestAlgorithm },
  ): Promise<UploadStatus>
  /** @throws RegistryError BLOB_UPLOAD_UNKNOWN */
  status(name: RepositoryName, id: string, options?: Asked): Promise<UploadStatus>
  /**
   * Adds a chunk.
   *
   * @throws RegistryError BLOB_UPLOAD_UNKNOWN, also when it ends meanwhile; RANGE_INVALID when the chunk does not begin at
   * the offset or another one is being written (its `detail` holds `{ size }`); SIZE_INVALID when the body is not as long as its range
   */
  append(name: RepositoryName, id: string, chunk: Chunk, options?: Asked): Promise<UploadStatus>
  /**
   * Adds the last chunk, if there is one, proves the digest and links the blob.
   *
   * @returns the blob's size in bytes
   * @throws RegistryError as {@link append}, and DIGEST_INVALID, after which the session is gone
   */
  finish(
    name: RepositoryName,
    id: string,
    digest: Digest,
    chunk: Chunk | undefined,
    options?: Asked,
  ): Promise<number>
  /** Ends it, also while it is being written to. @throws RegistryError BLOB_UPLOAD_UNKNOWN, also when it was finished first */
  cancel(name: RepositoryName, id: string, options?: Asked): Promise<void>
  /** @param listener is told the id of each upload that ends, however it does: finished, cancelled, given up, … */
  onEnd(listener: (id: string) => void): void
}
