import { randomBytes } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../src/oci/media-type.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Descriptor } from '../../src/oci/manifest.ts'
import type { RepositoryName, Tag } from '../../src/oci/name.ts'
import type { ContentStore, RegistryWriter } from '../../src/registry/ports.ts'

/** Bytes with their descriptor. */
export interface Piece extends Descriptor {
  bytes: Uint8Array
}

/** An image, an artifact or an index, ready to be pushed. */
export interface RandomManifest extends Piece {
  /** Config and layers of an image; nothing of an index. */
  blobs: Piece[]
  subject: Digest | undefined
}

/** How {@link randomImage} makes an image. */
export interface ImageOptions {
  /** Bytes of each layer. */
  layers?: number[]
  subject?: Descriptor
  /** More fields of the manifest. */
  extra?: object
}

/** Bytes with a descriptor of that type. */
export function piece(bytes: Uint8Array, mediaType: string): Piece {
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes }
}

/** A JSON document with a descriptor of that type. */
export function jsonPiece(value: object, mediaType: string): Piece {
  return piece(new TextEncoder().encode(JSON.stringify(value)), mediaType)
}

/** Only what a manifest writes of a piece. */
export function descriptorOf({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size }
}

/** An image like no other. */
export function randomImage({
  layers = [3000, 10],
  subject,
  extra,
}: ImageOptions = {}): RandomManifest {
  const config = jsonPiece(
    { architecture: 'amd64', os: 'linux', x: randomBytes(8).toString('hex') },
    'application/vnd.oci.image.config.v1+json',
  )
  const pieces = layers.map((size) =>
    piece(randomBytes(size), 'application/vnd.oci.image.layer.v1.tar'),
  )
  const manifest = jsonPiece(
    {
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: descriptorOf(config),
      layers: pieces.map(descriptorOf),
      ...(subject === undefined ? {} : { subject: descriptorOf(subject) }),
      ...extra,
    },
    OCI_IMAGE_MANIFEST,
  )
  return { ...manifest, blobs: [config, ...pieces], subject: subject?.digest }
}

/** An index of those manifests. */
export function indexOf(children: readonly Descriptor[], extra: object = {}): RandomManifest {
  const body = {
    schemaVersion: 2,
    mediaType: OCI_IMAGE_INDEX,
    manifests: children.map(descriptorOf),
    ...extra,
  }
  return { ...jsonPiece(body, OCI_IMAGE_INDEX), blobs: [], subject: undefined }
}

/** Where {@link store} puts things. */
export interface Writable {
  writer: RegistryWriter
  content: ContentStore
}

/** Puts a manifest with its blobs into a registry, below the rules, and tags it. */
export async function store(
  { writer, content }: Writable,
  name: RepositoryName,
  manifest: RandomManifest,
  tag?: Tag,
): Promise<void> {
  const blobs = await Promise.all(
    manifest.blobs.map((each) => content.write(each.bytes, each.digest)),
  )
  const stored = await content.write(manifest.bytes, manifest.digest)
  await writer.transact(async (tx) => {
    for (const blob of blobs) await tx.linkBlob(name, blob)
    await tx.putManifest(name, stored, manifest.subject)
    if (tag !== undefined) await tx.setTag(name, tag, manifest.digest)
  })
}

/** All bytes of a stream. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Uint8Array.from(Buffer.concat(await Array.fromAsync(source)))
}

/** A stream of those pieces. */
export async function* streamOf(...pieces: (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const each of pieces) yield typeof each === 'string' ? new TextEncoder().encode(each) : each
}

/** The image with one more layer. */
export function withLayer(image: RandomManifest, layer: Piece): RandomManifest {
  const body = JSON.parse(Buffer.from(image.bytes).toString()) as { layers: object[] }
  body.layers.push(descriptorOf(layer))
  return {
    ...jsonPiece(body, image.mediaType),
    blobs: [...image.blobs, layer],
    subject: undefined,
  }
}
