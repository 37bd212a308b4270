import { isRegistryError } from '../../oci/errors.ts'
import { MANIFEST_MAX_BYTES, readManifest } from '../../oci/manifest.ts'
import { readAll } from '../read-all.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ManifestFacts } from '../../oci/manifest.ts'
import type { RepositoryName } from '../../oci/name.ts'
import type { Abortable, Content, RegistryReader } from '../ports.ts'

/** A manifest that was read. */
export interface ReadManifest {
  readonly digest: Digest
  readonly bytes: Uint8Array
  readonly facts: ManifestFacts
}

/** Manifests of signatures that are looked at for one image. */
const MANIFESTS_MAX = 128
/** Payloads and bundles that are read for one image. */
const PAYLOADS_MAX = 128
/** Largest payload or bundle: one with certificates and a log's promise has some 10 KiB. */
const PAYLOAD_MAX_BYTES = 256 * 1024
/** All that is read for one image. */
const BYTES_MAX = 16 * 1024 * 1024

/** What may still be read: for one image, or for all that one list tells of. */
export class Effort {
  manifests = MANIFESTS_MAX
  payloads = PAYLOADS_MAX
  bytes = BYTES_MAX
}

/** Where something is looked for. */
export interface Place {
  readonly reader: RegistryReader
  readonly name: RepositoryName
  /** What may be read there for signatures; as much as for one image, without. */
  readonly effort?: Effort
}

/**
 * Reads what may prove that an image is signed, in one tree and for one question, and no more than a bounded part of it:
 * whoever can push, or has a tree that we mirror, can put any number of signatures there.
 */
export class Evidence {
  readonly #reader: RegistryReader
  readonly #name: RepositoryName
  readonly #options: Abortable
  readonly #left: Effort

  constructor({ reader, name, effort = new Effort() }: Place, options: Abortable) {
    this.#left = effort
    this.#reader = reader
    this.#name = name
    this.#options = options
  }

  /** True when enough was read. */
  get isSpent(): boolean {
    return this.#left.manifests === 0 || this.#left.payloads === 0
  }

  /** `undefined` when it is not there, is none that we serve, or is one too many. */
  async manifest(digest: Digest): Promise<ReadManifest | undefined> {
    if (this.#left.manifests === 0) return undefined
    this.#left.manifests--
    const content = await this.#reader.manifest(this.#name, digest, this.#options)
    const bytes = content && (await this.#read(content, MANIFEST_MAX_BYTES))
    return bytes && readServed(digest, bytes)
  }

  /** `undefined` when it is not there, too large, or one too many. */
  async payload(digest: Digest): Promise<Uint8Array | undefined> {
    if (this.#left.payloads === 0) return undefined
    this.#left.payloads--
    const content = await this.#reader.blob(this.#name, digest, this.#options)
    return content && this.#read(content, PAYLOAD_MAX_BYTES)
  }

  async #read(content: Content, most: number): Promise<Uint8Array | undefined> {
    if (content.size > most || content.size > this.#left.bytes) return undefined
    this.#left.bytes -= content.size
    return readAll(content, this.#options)
  }
}

/** What these bytes say; `undefined` when they are not a manifest that this registry serves. */
export function readServed(digest: Digest, bytes: Uint8Array): ReadManifest | undefined {
  try {
    return { digest, bytes, facts: readManifest(bytes) }
  } catch (error) {
    if (isRegistryError(error, 'MANIFEST_INVALID')) return undefined
    throw error
  }
}
