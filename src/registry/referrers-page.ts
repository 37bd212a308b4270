import type { ManifestDescriptor } from '../oci/manifest.ts'
import type { ReferrersPage } from './ports.ts'

/** Fills one page of referrers, and knows when it is full. */
export class PageOfReferrers {
  readonly manifests: ManifestDescriptor[] = []
  readonly #page: ReferrersPage
  #bytes = 0
  #more = false

  constructor(page: ReferrersPage) {
    this.#page = page
  }

  /** Whether one did not fit any more; then the page is done. */
  get more(): boolean {
    return this.#more
  }

  /** Takes the next descriptor in the order of the digests, if it is one that is wanted and fits. */
  add(descriptor: ManifestDescriptor): void {
    const { artifactType, bytes = Infinity } = this.#page
    if (this.#more) return
    if (artifactType !== undefined && descriptor.artifactType !== artifactType) return
    this.#bytes += Buffer.byteLength(JSON.stringify(descriptor)) + 1
    this.#more = this.#bytes > bytes && this.manifests.length > 0
    if (!this.#more) this.manifests.push(descriptor)
  }
}
