import { isRegistryError, RegistryError } from '../oci/errors.ts'
import { readManifest, requiredBlobs } from '../oci/manifest.ts'
import { isManifestMediaType } from '../oci/media-type.ts'
import { mapLimited } from './limited.ts'
import { readManifestBytes } from './pull.ts'
import type { Digest } from '../oci/digest.ts'
import type { Descriptor, ManifestFacts } from '../oci/manifest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Adopter } from './adoption.ts'
import type { Abortable, Content, RegistryReader, StoredContent } from './ports.ts'

/** Indexes in indexes that are followed when a manifest is adopted. */
const DEPTH_MAX = 4
/** Manifests adopted for one push: a hostile mirror's index could name indexes without end. */
const ADOPTED_MANIFESTS_MAX = 1000
/** Blobs looked up or copied at once. */
const AT_ONCE = 4

/** Something our own tree had when it was looked up: to be looked up again inside the transaction. */
export interface Present {
  readonly kind: 'blob' | 'manifest'
  readonly digest: Digest
  readonly size: number
}

/** A manifest adopted with its subject, ready to be linked. */
export interface AdoptedManifest {
  readonly content: StoredContent
  readonly subject: Digest | undefined
}

/** Where a manifest's references are looked for. */
export interface Places {
  name: RepositoryName
  /** Our own tree. */
  own: RegistryReader
  /** Our own tree and the mirrors. */
  overlay: RegistryReader
  adopter: Adopter
  /** Largest blob, in bytes. */
  blobLimit: number
}

/**
 * Collects what a manifest refers to: what our own tree has, what was adopted, and what is nowhere. One object serves
 * all attempts at one push, so nothing is adopted twice.
 */
export class References {
  /** To be linked before the manifest. */
  readonly blobs = new Map<Digest, StoredContent>()
  /** To be linked before the manifest; children stand before what refers to them. */
  readonly manifests = new Map<Digest, AdoptedManifest>()
  /** Found in our own tree in the latest attempt. */
  readonly present = new Map<Digest, Present>()
  /** Not found in the latest attempt. */
  readonly missing = new Set<Digest>()

  /**
   * Looks for everything the manifest refers to, and adopts what only a mirror has.
   *
   * @throws RegistryError MANIFEST_INVALID when a descriptor's size is not the content's
   */
  async gather(facts: ManifestFacts, places: Places, options: Abortable): Promise<void> {
    this.present.clear()
    this.missing.clear()
    await this.#gather(facts, places, options, 0)
  }

  async #gather(
    facts: ManifestFacts,
    places: Places,
    options: Abortable,
    depth: number,
  ): Promise<void> {
    // The same layer twice in one image is looked up once; two sizes for it are two entries, and one is wrong.
    const blobs = new Map(requiredBlobs(facts).map((each) => [`${each.digest} ${each.size}`, each]))
    await mapLimited(blobs.values(), AT_ONCE, (each) => this.#blob(each, places, options))
    for (const child of facts.manifests) {
      // Old BuildKit caches list layers in an index: what is no manifest may be a blob.
      if (isManifestMediaType(child.mediaType))
        await this.#manifest(child, places, options, depth + 1)
      else await this.#blob(child, places, options)
    }
  }

  async #blob(wanted: Descriptor, places: Places, options: Abortable): Promise<void> {
    const { digest } = wanted
    if (this.missing.has(digest) || checkSize(wanted, this.blobs.get(digest))) return
    const own = await places.own.blob(places.name, digest, options)
    if (checkSize(wanted, own)) return this.#found('blob', wanted)
    const adopted = await this.#adoptBlob(wanted, places, options)
    if (adopted === undefined) this.missing.add(digest)
    else this.blobs.set(digest, adopted)
  }

  async #adoptBlob(
    wanted: Descriptor,
    { name, overlay, adopter, blobLimit }: Places,
    options: Abortable,
  ): Promise<StoredContent | undefined> {
    if (wanted.size > blobLimit) return undefined
    const tried = new Set<string>()
    for (;;) {
      const content = await overlay.blob(name, wanted.digest, options)
      // A size is as much a claim as the content is: a mirror that claims another one does not have it.
      if (content?.size !== wanted.size || tried.has(content.id)) return undefined
      const adopted = await adopter.adopt(content, options)
      if (adopted !== undefined) return adopted
      // What turned out wrong is absent now, and the next mirror may have it right.
      tried.add(content.id)
    }
  }

  async #manifest(
    wanted: Descriptor,
    places: Places,
    options: Abortable,
    depth: number,
  ): Promise<void> {
    const { digest } = wanted
    if (this.missing.has(digest) || checkSize(wanted, this.manifests.get(digest)?.content)) return
    const own = await places.own.manifest(places.name, digest, options)
    if (checkSize(wanted, own)) return this.#found('manifest', wanted)
    const content = await places.overlay.manifest(places.name, digest, options)
    const adopted =
      content?.size === wanted.size
        ? await this.#adoptManifest(content, places, options, depth)
        : undefined
    if (adopted === undefined) this.missing.add(digest)
    else this.manifests.set(digest, adopted)
  }

  /** Adopts a manifest with all it refers to; what is missing of that is missing of the whole. */
  async #adoptManifest(
    content: Content,
    places: Places,
    options: Abortable,
    depth: number,
  ): Promise<AdoptedManifest | undefined> {
    if (depth > DEPTH_MAX || this.manifests.size >= ADOPTED_MANIFESTS_MAX) return undefined
    const bytes = await readManifestBytes(content, options)
    const facts = bytes && factsOfMirrored(bytes)
    if (bytes === undefined || facts === undefined) return undefined
    await this.#gather(facts, places, options, depth)
    const stored = await places.adopter.adopt(inMemory(content, bytes), options)
    return stored && { content: stored, subject: facts.subject?.digest }
  }

  #found(kind: Present['kind'], { digest, size }: Descriptor): void {
    this.present.set(digest, { kind, digest, size })
  }
}

/**
 * True when the content is there.
 *
 * @throws RegistryError MANIFEST_INVALID when it is not as long as the descriptor says
 */
function checkSize({ digest, size }: Descriptor, content: { size: number } | undefined): boolean {
  if (content === undefined) return false
  if (content.size === size) return true
  throw new RegistryError('MANIFEST_INVALID', {
    message: `manifest invalid: it says that ${digest} has ${size} bytes, but it has ${content.size}`,
    detail: { digest, size, actual: content.size },
  })
}

function factsOfMirrored(bytes: Uint8Array): ManifestFacts | undefined {
  try {
    return readManifest(bytes)
  } catch (error) {
    if (isRegistryError(error, 'MANIFEST_INVALID')) return undefined
    throw error
  }
}

function inMemory({ digest, size, id }: Content, bytes: Uint8Array): Content {
  return {
    digest,
    size,
    id,
    open: async function* () {
      yield bytes
    },
  }
}
