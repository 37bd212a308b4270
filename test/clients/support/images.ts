import { readFile } from 'node:fs/promises'
import { OUR_ARCHITECTURE, makeImage } from '../../e2e/support/image.ts'
import { BUSYBOX } from '../../e2e/support/needs.ts'
import { layoutFiles } from '../../e2e/support/oci-layout.ts'
import { tar } from '../../e2e/support/tar.ts'
import { descriptorOf, jsonPiece } from '../../support/random-image.ts'
import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../../src/oci/media-type.ts'
import type { Image } from '../../e2e/support/image.ts'
import type { Piece, RandomManifest } from '../../support/random-image.ts'

/** The two platforms of a {@link platformIndex}: this machine's, and one that it is not. */
export const PLATFORMS = [
  OUR_ARCHITECTURE,
  OUR_ARCHITECTURE === 'arm64' ? 'amd64' : 'arm64',
] as const

/** An image of a static busybox that prints these words when it is run: `/bin/cat /words`. */
export async function wordsImage(words: string, architecture?: string): Promise<Image> {
  const busybox = await readFile(BUSYBOX)
  const system = [
    { path: 'bin/' },
    { path: 'bin/busybox', content: busybox, mode: 0o755 },
    { path: 'bin/cat', link: 'busybox' },
    { path: 'of', content: words }, // so that this layer is like no other's
  ]
  const text = [{ path: 'words', content: words }]
  return makeImage([system, text], ['/bin/cat', '/words'], architecture)
}

/** The files of an image without a program, for clients that run nothing. */
export function plainImage(words: string, architecture?: string): Image {
  const layers = [[{ path: 'etc/' }, { path: 'etc/words', content: words }]]
  return makeImage(layers, ['/none'], architecture)
}

/** An index of images, with the platform of each. Its `blobs` are the images' manifests and their blobs. */
export interface PlatformIndex extends Image {
  images: Record<string, Image>
}

/** An index of an image for each of {@link PLATFORMS}. */
export async function platformIndex(words: string): Promise<PlatformIndex> {
  const images: Record<string, Image> = {}
  for (const architecture of PLATFORMS)
    images[architecture] = await wordsImage(`${words} on ${architecture}`, architecture)
  const manifests = Object.entries(images).map(([architecture, { manifest }]) => ({
    ...descriptorOf(manifest),
    platform: { architecture, os: 'linux' },
  }))
  const body = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests }
  const blobs = Object.values(images).flatMap((image) => [image.manifest, ...image.blobs])
  return { manifest: jsonPiece(body, OCI_IMAGE_INDEX), blobs, images }
}

/** An artifact about another manifest, as a signature or an SBOM is. */
export function artifactAbout(subject: Piece, artifactType: string, words: string): Image {
  const config = jsonPiece({}, 'application/vnd.oci.empty.v1+json')
  const blob = jsonPiece({ words }, 'application/json')
  const body = {
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    artifactType,
    config: descriptorOf(config),
    layers: [descriptorOf(blob)],
    subject: descriptorOf(subject),
  }
  return { manifest: jsonPiece(body, OCI_IMAGE_MANIFEST), blobs: [config, blob] }
}

/** What `docker load` and `podman load` read. They keep the config as it is, and with it the image's id. */
export function dockerArchive({ blobs: [config, ...layers] }: Image, name: string): Uint8Array {
  if (config === undefined) throw new Error('an image without a config')
  const hex = ({ digest }: Piece) => digest.replace('sha256:', '')
  const manifest = {
    Config: `${hex(config)}.json`,
    RepoTags: [name],
    Layers: layers.map((layer) => `${hex(layer)}.tar.gz`),
  }
  return tar([
    { path: manifest.Config, content: config.bytes },
    ...layers.map((layer) => ({ path: `${hex(layer)}.tar.gz`, content: layer.bytes })),
    { path: 'manifest.json', content: JSON.stringify([manifest]) },
  ])
}

/** An OCI image layout in one file, in which the image has that name for containerd. */
export function layoutArchive(image: Image, name: string): Uint8Array {
  return tar(layoutFiles(image, { 'io.containerd.image.name': name }))
}

/** As {@link RegistryClient.pushImage} wants it. */
export function pushable({ manifest, blobs }: Image): RandomManifest {
  return { ...manifest, blobs, subject: undefined }
}

/** The digest of the config, which engines call the image's id. */
export function idOf({ blobs: [config] }: Image): string {
  if (config === undefined) throw new Error('an image without a config')
  return config.digest
}

/** The ids of images, under the same names. */
export function idsOf(images: Readonly<Record<string, Image>>): Record<string, string> {
  return Object.fromEntries(Object.entries(images).map(([name, image]) => [name, idOf(image)]))
}
