/** image-spec manifest.md */
export const OCI_IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
/** image-spec image-index.md */
export const OCI_IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json'
/** distribution docs/content/spec/manifest-v2-2.md, "Image Manifest" */
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
/** distribution docs/content/spec/manifest-v2-2.md, "Manifest List" */
export const DOCKER_MANIFEST_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'

/** The manifests Heliport takes. Docker's schema 1 has no content address of its own and is refused. */
export type ManifestMediaType =
  | typeof OCI_IMAGE_MANIFEST
  | typeof OCI_IMAGE_INDEX
  | typeof DOCKER_MANIFEST
  | typeof DOCKER_MANIFEST_LIST

/** Whether a manifest describes one image or artifact, or lists other manifests. */
export type ManifestKind = 'image' | 'index'

const KINDS: ReadonlyMap<string, ManifestKind> = new Map([
  [OCI_IMAGE_MANIFEST, 'image'],
  [OCI_IMAGE_INDEX, 'index'],
  [DOCKER_MANIFEST, 'image'],
  [DOCKER_MANIFEST_LIST, 'index'],
])

/** The kind of a manifest media type; `undefined` for a media type that is not one of the four. */
export function manifestKind(mediaType: string): ManifestKind | undefined {
  return KINDS.get(mediaType)
}

/** True for the four manifest media types. */
export function isManifestMediaType(mediaType: string): mediaType is ManifestMediaType {
  return KINDS.has(mediaType)
}

const FOREIGN_LAYERS = [
  'application/vnd.oci.image.layer.nondistributable.',
  'application/vnd.docker.image.rootfs.foreign.',
]

/**
 * True for a layer that is not distributed through registries (image-spec layer.md, "Non-Distributable Layers"): it
 * need not be here, and nobody but the client ever follows its `urls`.
 */
export function isForeignLayer(mediaType: string): boolean {
  return FOREIGN_LAYERS.some((prefix) => mediaType.startsWith(prefix))
}

/** A `Content-Type` without its parameters, in lower case (RFC 9110 §8.3.1: type and subtype ignore case). */
export function essenceOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
}
