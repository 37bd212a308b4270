import { bytesAsJson } from '../oci/manifest.ts'
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
  add(whole: ManifestDescriptor): void {
    const { artifactType, bytes = Infinity } = this.#page
    if (this.#more) return
    if (artifactType !== undefined && whole.artifactType !== artifactType) return
    const descriptor = bytesAsJson(whole) > bytes ? withoutAnnotations(whole) : whole
    this.#bytes += bytesAsJson(descriptor)
    this.#more = this.#bytes > bytes && this.manifests.length > 0
    if (!this.#more) this.manifests.push(descriptor)
  }
}

/**
 * No push is taken whose annotations are too long for a page, but a mirror may have one, or we, from before that was so.
 * Whoever wants them reads the manifest.
 */
function withoutAnnotations({ annotations: _, ...rest }: ManifestDescriptor): ManifestDescriptor {
  return rest
}
