import { createHash } from 'node:crypto'
import { OCI_IMAGE_MANIFEST } from '../../../src/oci/media-type.ts'
import type { Digest } from '../../../src/oci/digest.ts'

const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

/** Bytes with their digest. */
export interface Document {
  readonly bytes: Buffer
  readonly digest: Digest
}

/** A manifest, and its config. */
export interface Image extends Document {
  readonly config: Document
  readonly mediaType: string
}

/** What a manifest says of a blob. */
export interface Part {
  readonly digest: string
  readonly size: number
}

/** The manifest of an image of these layers, which are archives that nobody has compressed. */
export function imageManifest(layers: readonly Part[], extra: object = {}): Image {
  const diffs = layers.map(({ digest }) => digest)
  const config = document({
    architecture: 'amd64',
    os: 'linux',
    ...extra,
    rootfs: { type: 'layers', diff_ids: diffs },
  })
  const size = config.bytes.length
  return { ...manifestOf({ digest: config.digest, size }, layers), config }
}

/** The manifest of parts that are there. */
export function manifestOf(
  config: Part,
  layers: readonly Part[],
  annotations?: Readonly<Record<string, string>>,
): Document & { readonly mediaType: string } {
  const described = (part: Part, mediaType: string) => ({
    mediaType,
    digest: part.digest,
    size: part.size,
  })
  const manifest = document({
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    config: described(config, CONFIG),
    layers: layers.map((layer) => described(layer, LAYER)),
    ...(annotations === undefined ? {} : { annotations }),
  })
  return { ...manifest, mediaType: OCI_IMAGE_MANIFEST }
}

function document(value: object): Document {
  const bytes = Buffer.from(JSON.stringify(value))
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest }
}
