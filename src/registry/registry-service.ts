import { RegistryError, isRegistryError } from '../oci/errors.ts'
import { snapshotNameOf } from '../oci/snapshot-name.ts'
import { Deletes } from './deletes.ts'
import { listRepositories, listTags } from './listings.ts'
import { mountBlob } from './mount-blob.ts'
import { blobUnknown, pullManifest } from './pull.ts'
import { PushManifest } from './push-manifest.ts'
import { listReferrers } from './referrers.ts'
import { RepositoryRules } from './signatures/repository-rules.ts'
import { NO_RULES } from './standing.ts'
import { readOnlyError } from './uploads.ts'
import type { Digest } from '../oci/digest.ts'
import type { ErrorCode } from '../oci/errors.ts'
import type { Reference, RepositoryName, Tag } from '../oci/name.ts'
import type { FactsCache } from './facts-cache.ts'
import type { Leases } from './leases.ts'
import type { MountableTree } from './mount-blob.ts'
import type { Overlay } from './overlay.ts'
import type { OverlayReader } from './overlay-reader.ts'
import type {
  Abortable,
  Asked,
  Conditional,
  Content,
  ContentStore,
  ManifestContent,
  NamePage,
  Page,
  ReferrersList,
  ReferrersPage,
  RegistryService,
  SnapshotSource,
  StandingRules,
} from './ports.ts'
import type { Room } from './room.ts'
import type { Tombstones } from './tombstones.ts'
import type { Uploads } from './uploads.ts'

/** What a {@link Registry} works on. */
export interface RegistryParts {
  overlay: Overlay
  writer: MountableTree
  content: ContentStore
  tombstones: Tombstones
  uploads: Uploads
  /** Asked before a manifest is taken. */
  room?: Room | undefined
  /** Our own tree as it was. */
  history: SnapshotSource
  leases?: Leases
  /** Which repositories only give out what is signed. */
  signatures?: RepositoryRules
  /** What holds for everybody; nothing, without it. */
  rules?: StandingRules
}

/** The registry's rules, from the configuration. */
export interface RegistryOptions {
  /** `sparse`: take manifests whose blobs or child manifests are not here. */
  validation: 'strict' | 'sparse'
  /** Whether DELETE of manifests, tags and blobs is allowed. */
  deletes: boolean
  /** A node without a write key only reads. */
  readOnly: boolean
  /** Largest blob, in bytes. */
  blobLimit: number
}

/** A repository, and what it is read from for one request. */
interface ReadPlace {
  readonly reader: OverlayReader
  readonly name: RepositoryName
}

/** What is said of something that was looked for and is nowhere. */
const ABSENT: ReadonlySet<ErrorCode> = new Set(['MANIFEST_UNKNOWN', 'BLOB_UNKNOWN', 'NAME_UNKNOWN'])

/** The use cases, each in its own file, behind the one interface that HTTP knows. */
export class Registry implements RegistryService {
  readonly uploads: Uploads
  readonly #parts: RegistryParts
  readonly #options: RegistryOptions
  readonly #push: PushManifest
  readonly #deletes: Deletes
  readonly #facts: FactsCache
  readonly #signatures: RepositoryRules
  readonly #rules: StandingRules

  constructor(parts: RegistryParts, options: RegistryOptions) {
    this.uploads = parts.uploads
    this.#parts = parts
    this.#facts = parts.overlay.facts
    this.#options = options
    this.#signatures = parts.signatures ?? new RepositoryRules()
    const { rules = NO_RULES } = parts
    this.#rules = rules
    this.#push = new PushManifest({ ...parts, ...options, rules })
    this.#deletes = new Deletes({ ...parts, rules })
  }

  async getManifest(
    name: RepositoryName,
    reference: Reference,
    { signal }: Abortable = {},
  ): Promise<ManifestContent> {
    const find = () => this.#manifest(name, reference, { signal })
    if (reference.kind === 'digest') return this.#leased(name, reference.digest, find)
    const manifest = await find()
    await this.#parts.leases?.grant(name, manifest.digest)
    return manifest
  }

  async #manifest(
    name: RepositoryName,
    reference: Reference,
    { signal }: Abortable,
  ): Promise<ManifestContent> {
    return this.#ask(name, async (place) => {
      const { reader, name: within } = place
      const manifest = await pullManifest(reader, within, reference, { signal, facts: this.#facts })
      await this.#signatures.checkManifest(place, reference, manifest, { signal })
      return { ...manifest, notices: reader.notices }
    })
  }

  /** What is found stays: its lease begins before it is looked for. */
  #leased<T>(name: RepositoryName, digest: Digest, find: () => Promise<T>): Promise<T> {
    const { leases } = this.#parts
    return leases === undefined ? find() : leases.tentatively(name, digest, find)
  }

  getBlob(name: RepositoryName, digest: Digest, options: Abortable = {}): Promise<Content> {
    return this.#leased(name, digest, () => this.#blob(name, digest, options))
  }

  #blob(name: RepositoryName, digest: Digest, options: Abortable): Promise<Content> {
    return this.#ask(name, async (place) => {
      const blob = await place.reader.blob(place.name, digest, options)
      if (blob === undefined) throw blobUnknown(name, digest)
      await this.#signatures.checkBlob(place, blob, options)
      return blob
    })
  }

  listTags(name: RepositoryName, page: Page & Abortable): Promise<NamePage> {
    return this.#ask(name, ({ reader, name: within }) => listTags(reader, within, page))
  }

  async listRepositories(page: Page & Asked): Promise<NamePage> {
    return listRepositories(this.#parts.overlay.reader(), page)
  }

  async listReferrers(
    name: RepositoryName,
    subject: Digest,
    options: Abortable & ReferrersPage = {},
  ): Promise<ReferrersList> {
    const place = await this.#placeOf(name)
    const isListed = this.#signatures.listing(place)
    const how = { ...options, facts: this.#facts, isListed }
    return listReferrers(place.reader, place.name, subject, how)
  }

  async putManifest(
    name: RepositoryName,
    reference: Reference,
    bytes: Uint8Array,
    contentType: string | undefined,
    options: Asked & Conditional & { tags?: readonly Tag[] | undefined } = {},
  ): Promise<{ digest: Digest; subject: Digest | undefined }> {
    this.#mayWrite()
    await this.#parts.room?.make()
    const put = await this.#push.put(name, reference, bytes, { ...options, contentType })
    void this.#parts.leases?.grant(name, put.digest)
    return put
  }

  async deleteManifest(
    name: RepositoryName,
    reference: Reference,
    options: Abortable & Conditional = {},
  ): Promise<void> {
    this.#mayDelete()
    if (reference.kind === 'tag') await this.#deletes.tag(name, reference.tag, options)
    else await this.#deletes.manifest(name, reference.digest, options)
  }

  async deleteBlob(
    name: RepositoryName,
    digest: Digest,
    options: Abortable & Conditional = {},
  ): Promise<void> {
    this.#mayDelete()
    await this.#deletes.blob(name, digest, options)
  }

  async deleteRepository(name: RepositoryName, options: Abortable = {}): Promise<void> {
    this.#mayDelete()
    await this.#deletes.repository(name, options)
  }

  async mountBlob(
    name: RepositoryName,
    digest: Digest,
    from: RepositoryName | undefined,
    options: Asked = {},
  ): Promise<boolean> {
    this.#mayWrite()
    await this.#parts.room?.make()
    const { leases, writer } = this.#parts
    const mount = (): Promise<boolean> => mountBlob(writer, { name, digest, from }, options)
    return leases === undefined ? mount() : leases.tentatively(name, digest, mount)
  }

  /** Asks where a repository is read. That it is not there may be a mirror's fault, and then says so. */
  async #ask<T>(name: RepositoryName, question: (place: ReadPlace) => Promise<T>): Promise<T> {
    const place = await this.#placeOf(name)
    try {
      return await question(place)
    } catch (error) {
      if (!isRegistryError(error) || !ABSENT.has(error.code)) throw error
      throw error.with(place.reader.absences)
    }
  }

  /** Where a repository is read, and under which name: today in the overlay, or in our own tree as it was. */
  async #placeOf(name: RepositoryName): Promise<ReadPlace> {
    const { overlay, history } = this.#parts
    const past = snapshotNameOf(name)
    if (past === undefined) return { reader: overlay.reader(name), name }
    const snapshot = await history.snapshot(past.root)
    if (snapshot === undefined) throw unknownRoot(name, past.root)
    return { reader: overlay.alone(snapshot), name: past.name }
  }

  #mayWrite(): void {
    if (this.#options.readOnly) throw readOnlyError('ipns.writeKey')
    if (this.#rules.readOnly) throw readOnlyError('access.readOnly')
  }

  #mayDelete(): void {
    this.#mayWrite()
    if (this.#options.deletes) return
    throw new RegistryError('UNSUPPORTED', {
      message: 'deletes are off on this registry (storage.delete.enabled)',
    })
  }
}

function unknownRoot(name: RepositoryName, root: string): RegistryError {
  return new RegistryError('NAME_UNKNOWN', {
    message: 'this registry never had that root (heliport log lists those it had)',
    detail: { name, root },
  })
}
