import { isRegistryError } from '../oci/errors.ts'
import { readManifest, requiredBlobs } from '../oci/manifest.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { RegistryReader } from './ports.ts'

/** Manifests whose blobs are looked up at once; of others they are not. */
const MANIFESTS = 8
/** Blobs of one manifest that are looked up: those of nearly every image. */
const BLOBS = 64
/** Look-ups of one manifest at once. */
const AT_ONCE = 16
/** Longest time for those of one manifest, in ms. */
const LONGEST_MS = 10_000

/**
 * Looks up what a mirror's manifest names as soon as the manifest has been proven. A client will ask for it next, one
 * after the other; and to find one blob takes some nine directories, each of which is a way to the source and back.
 * Looked up together they take hardly longer than one, and are in the cache when the client comes.
 */
export class Foresight {
  readonly #stop = new AbortController()
  #manifests = 0

  /** Returns at once. Nobody waits for what comes of it: whatever fails, the client meets again. */
  look(reader: Pick<RegistryReader, 'blob'>, name: RepositoryName, manifest: Uint8Array): void {
    if (this.#manifests >= MANIFESTS || this.#stop.signal.aborted) return
    const digests = blobsOf(manifest)
    if (digests.length < 2) return // there is nothing to be done at once
    this.#manifests++
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(LONGEST_MS)])
    void this.#lookUp(digests, (digest) => reader.blob(name, digest, { signal }), signal)
  }

  /** Ends what is under way. */
  stop(): void {
    this.#stop.abort(new Error('the registry stops'))
  }

  async #lookUp(
    digests: readonly Digest[],
    ask: (digest: Digest) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const queue = digests.values()
    const worker = async (): Promise<void> => {
      for (const digest of queue) {
        if (signal.aborted) return
        await ask(digest).catch(() => undefined)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    this.#manifests--
  }
}

/** What has to be in the repository with this manifest; nothing when it is none. */
function blobsOf(manifest: Uint8Array): Digest[] {
  try {
    const digests = requiredBlobs(readManifest(manifest)).map(({ digest }) => digest)
    return [...new Set(digests)].slice(0, BLOBS)
  } catch (error) {
    if (isRegistryError(error, 'MANIFEST_INVALID')) return []
    throw error
  }
}
