import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { descriptorOf } from '../../support/random-image.ts'
import type { Image } from './image.ts'

/** Writes an image as an OCI image layout, under the tag `v1`: `oci:<directory>:v1` for skopeo. */
export async function writeLayout(directory: string, image: Image): Promise<void> {
  const blobs = join(directory, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })
  for (const { digest, bytes } of [image.manifest, ...image.blobs])
    await writeFile(join(blobs, digest.replace('sha256:', '')), bytes)
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' }
  const manifests = [{ ...descriptorOf(image.manifest), annotations }]
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
}
