import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { descriptorOf } from '../../support/random-image.ts'
import type { Image } from './image.ts'
import type { TarEntry } from './tar.ts'

/**
 * The files of an OCI image layout: of an image, or of an index with all that belongs to it.
 *
 * @param names the annotations of the manifest there: by which name tools know it
 */
export function layoutFiles(
  { manifest, blobs }: Image,
  names: Readonly<Record<string, string>> = { 'org.opencontainers.image.ref.name': 'v1' },
): (TarEntry & { content: Uint8Array | string })[] {
  const content = new Map([manifest, ...blobs].map(({ digest, bytes }) => [digest, bytes]))
  const manifests = [{ ...descriptorOf(manifest), annotations: names }]
  return [
    { path: 'oci-layout', content: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) },
    ...[...content].map(([digest, bytes]) => ({
      path: `blobs/${digest.replace(':', '/')}`,
      content: bytes,
    })),
  ]
}

/** Writes an image as an OCI image layout, under the tag `v1`: `oci:<directory>:v1` for skopeo. */
export async function writeLayout(directory: string, image: Image): Promise<void> {
  for (const { path, content } of layoutFiles(image)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
}
