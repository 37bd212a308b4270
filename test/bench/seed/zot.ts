import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LAYER, repositoryAt, seedlingAt } from './shape.ts'
import type { Document } from '../load/manifest.ts'
import type { Shape } from './shape.ts'

/** Draws such a registry as files, as zot keeps it: an OCI image layout for each repository (image-layout.md). */
export async function growZot(directory: string, { repositories, tags }: Shape): Promise<void> {
  for (let repository = 0; repository < repositories; repository++)
    await drawRepository(join(directory, repositoryAt(repository)), repository, tags)
}

async function drawRepository(path: string, repository: number, tags: number): Promise<void> {
  await mkdir(join(path, 'blobs/sha256'), { recursive: true })
  const blob = ({ bytes, digest }: Document) =>
    writeFile(join(path, 'blobs', digest.replace(':', '/')), bytes)
  await blob(LAYER)
  const manifests: object[] = []
  for (let tag = 0; tag < tags; tag++) {
    const { image, tag: name } = seedlingAt(repository, tag)
    await blob(image)
    await blob(image.config)
    manifests.push({
      mediaType: image.mediaType,
      digest: image.digest,
      size: image.bytes.length,
      annotations: { 'org.opencontainers.image.ref.name': name },
    })
  }
  await writeFile(join(path, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  await writeFile(join(path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}
