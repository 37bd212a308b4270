import { gzipSync } from 'node:zlib'
import { digestOf } from '../../../src/oci/digest.ts'
import { OCI_IMAGE_MANIFEST } from '../../../src/oci/media-type.ts'
import { descriptorOf, jsonPiece, piece } from '../../support/random-image.ts'
import { tar } from './tar.ts'
import type { Piece } from '../../support/random-image.ts'
import type { TarEntry } from './tar.ts'

/** An image, ready to be pushed: its manifest, and the blobs that must be there before. */
export interface Image {
  manifest: Piece
  /** Config first, then the layers. */
  blobs: Piece[]
}

/** This machine's, as Go and image configs call it. */
export const OUR_ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** A real image as builders make it: gzipped layers, and a config that names the archives inside of them. */
export function makeImage(
  layers: readonly (readonly TarEntry[])[],
  command: string[],
  architecture: string = OUR_ARCHITECTURE,
): Image {
  const archives = layers.map((entries) => tar(entries))
  const pieces = archives.map((archive) =>
    // Level 1: fast. The header has no time in it, so that the same files are the same layer.
    piece(gzipSync(archive, { level: 1 }), 'application/vnd.oci.image.layer.v1.tar+gzip'),
  )
  const config = jsonPiece(
    {
      architecture,
      os: 'linux',
      config: { Cmd: command, Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: archives.map((archive) => digestOf(archive)) },
    },
    'application/vnd.oci.image.config.v1+json',
  )
  const body = {
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    config: descriptorOf(config),
    layers: pieces.map(descriptorOf),
  }
  return { manifest: jsonPiece(body, OCI_IMAGE_MANIFEST), blobs: [config, ...pieces] }
}
