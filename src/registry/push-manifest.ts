import { algorithmOf, digestOf } from '../oci/digest.ts'
import { RegistryError } from '../oci/errors.ts'
import { parseManifest, refuseUnlistable } from '../oci/manifest.ts'
import { Adopter } from './adoption.ts'
import { ChangedMeanwhile, untilUnchanged } from './changed-meanwhile.ts'
import { Precondition } from './precondition.ts'
import { References } from './references.ts'
import { checkMirrors, checkMove } from './standing.ts'
import type { Digest } from '../oci/digest.ts'
import type { ManifestFacts } from '../oci/manifest.ts'
import type { Reference, RepositoryName, Tag } from '../oci/name.ts'
import type { Overlay } from './overlay.ts'
import type { Addressed } from './precondition.ts'
import type {
  Abortable,
  Asked,
  Conditional,
  ContentStore,
  RegistryWriter,
  Rights,
  StandingRules,
  StoredContent,
  Transaction,
} from './ports.ts'

/** What pushing a manifest works on. */
export interface PushParts {
  overlay: Overlay
  writer: RegistryWriter
  content: ContentStore
  /** `sparse` takes a manifest whose blobs or manifests are nowhere. */
  validation: 'strict' | 'sparse'
  rules: StandingRules
  /** Largest blob that is adopted, in bytes. */
  blobLimit: number
}

/** A manifest on its way in. */
interface Pushed {
  name: RepositoryName
  tags: readonly Tag[]
  facts: ManifestFacts
  stored: StoredContent
  by: Rights | undefined
  condition: Precondition | undefined
}

/** Pushes manifests (distribution-spec, "Pushing Manifests"). */
export class PushManifest {
  readonly #parts: PushParts
  readonly #adopter: Adopter

  constructor(parts: PushParts) {
    this.#parts = parts
    this.#adopter = new Adopter(parts.content)
  }

  /**
   * @throws RegistryError MANIFEST_INVALID, DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN, DENIED: then nothing has changed
   */
  async put(
    name: RepositoryName,
    reference: Reference,
    bytes: Uint8Array,
    options: Asked &
      Conditional & { contentType: string | undefined; tags?: readonly Tag[] | undefined },
  ): Promise<{ digest: Digest; subject: Digest | undefined }> {
    const { signal, by, conditions } = options
    const { rules, overlay } = this.#parts
    using _ = this.#parts.content.hold() // what is adopted may have to wait for hours for the rest of it
    const facts = parseManifest(bytes, options.contentType)
    const digest = provenDigest(reference, bytes)
    refuseUnlistable(facts, digest, bytes.length)
    const tags = [...(reference.kind === 'tag' ? [reference.tag] : []), ...(options.tags ?? [])]
    // What the lane would refuse is refused before anything is fetched.
    for (const tag of tags) {
      await checkMove(overlay.own(), { name, tag, digest }, rules, by)
      await checkMirrors(overlay, { name, tag, digest }, { rules, by }, { signal })
    }
    const look = () =>
      Precondition.look(overlay, addressedBy(name, reference), conditions, { signal })
    const references = new References()
    let stored: StoredContent | undefined
    await untilUnchanged(async () => {
      const early = await look()
      early?.checkSeen()
      await this.#gather(name, facts, references, { signal })
      stored ??= await this.#parts.content.write(bytes, digest, { signal })
      const condition = early && (await look()) // what was gathered may have taken hours
      const pushed = { name, tags, facts, stored, by, condition }
      await this.#parts.writer.transact((tx) => this.#link(tx, pushed, references), { signal })
    })
    return { digest, subject: facts.subject?.digest }
  }

  /**
   * The edit: who may not move a tag, or comes too late, changes nothing; then as {@link link}. What is linked was looked
   * up outside the commit lane, where adoption may take as long as it needs; the lane itself checks again what our tree
   * had, and sends us back when that is not true any more.
   */
  async #link(tx: Transaction, pushed: Pushed, references: References): Promise<void> {
    const { name, tags, stored, by, condition } = pushed
    for (const tag of tags) {
      await checkMove(tx.reader, { name, tag, digest: stored.digest }, this.#parts.rules, by)
    }
    await condition?.check(tx.reader)
    await link(tx, pushed, references)
  }

  async #gather(
    name: RepositoryName,
    facts: ManifestFacts,
    references: References,
    options: Abortable,
  ): Promise<void> {
    const { overlay, blobLimit, validation } = this.#parts
    const readers = { own: overlay.own(), overlay: overlay.reader() }
    await references.gather(facts, { name, ...readers, adopter: this.#adopter, blobLimit }, options)
    if (references.missing.size === 0 || validation === 'sparse') return
    const digests = [...references.missing]
    // The client will ask what is missing, and must not be told that a mirror has it: we have just failed to get it.
    for (const digest of digests) overlay.setAside(name, digest)
    throw new RegistryError('MANIFEST_BLOB_UNKNOWN', {
      detail: { digests: digests.slice(0, 100) },
    })
  }
}

/** What a condition is about: the reference alone, whatever other tags are set. */
function addressedBy(name: RepositoryName, reference: Reference): Addressed {
  return reference.kind === 'tag'
    ? { name, kind: 'tag', what: reference.tag }
    : { name, kind: 'manifest', what: reference.digest }
}

/** B26: what is pushed by digest must be what the digest says; what is pushed by tag gets sha256. */
function provenDigest(reference: Reference, bytes: Uint8Array): Digest {
  if (reference.kind === 'tag') return digestOf(bytes)
  const actual = digestOf(bytes, algorithmOf(reference.digest))
  if (actual === reference.digest) return actual
  throw new RegistryError('DIGEST_INVALID', { detail: { digest: reference.digest, actual } })
}

/** Everything the manifest refers to is linked, or is still there; then the manifest and its tags. */
async function link(tx: Transaction, pushed: Pushed, references: References): Promise<void> {
  const { name, tags, facts, stored } = pushed
  for (const { kind, digest, size } of references.present.values()) {
    const now = await (kind === 'blob'
      ? tx.reader.blob(name, digest)
      : tx.reader.manifest(name, digest))
    if (now?.size !== size) throw new ChangedMeanwhile(`${digest} has gone from ${name}`)
  }
  for (const blob of references.blobs.values()) await tx.linkBlob(name, blob)
  for (const { content, subject } of references.manifests.values()) {
    await tx.putManifest(name, content, subject)
  }
  await tx.putManifest(name, stored, facts.subject?.digest)
  for (const tag of new Set(tags)) await tx.setTag(name, tag, stored.digest)
}
