import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LAYER, seedlings } from './shape.ts'
import type { Seedling, Shape } from './shape.ts'

/** Files that are written at once. */
const AT_ONCE = 32

/** Draws such a registry as files, in the layout of Distribution (`registry/storage/paths.go`): pushing it takes minutes. */
export async function growDistribution(directory: string, shape: Shape): Promise<void> {
  const root = join(directory, 'docker/registry/v2')
  await writeBlob(root, LAYER.digest, LAYER.bytes)
  let group: Promise<void>[] = []
  for (const seedling of seedlings(shape)) {
    group.push(plant(root, seedling))
    if (group.length < AT_ONCE) continue
    await Promise.all(group)
    group = []
  }
  await Promise.all(group)
}

async function plant(root: string, { repository, tag, image }: Seedling): Promise<void> {
  const at = join(root, 'repositories', repository)
  const link = (path: string, digest: string) => write(join(at, path, 'link'), digest)
  await writeBlob(root, image.config.digest, image.config.bytes)
  await writeBlob(root, image.digest, image.bytes)
  for (const digest of [image.config.digest, LAYER.digest])
    await link(`_layers/${slashed(digest)}`, digest)
  await link(`_manifests/revisions/${slashed(image.digest)}`, image.digest)
  await link(`_manifests/tags/${tag}/index/${slashed(image.digest)}`, image.digest)
  await link(`_manifests/tags/${tag}/current`, image.digest)
}

function writeBlob(root: string, digest: string, bytes: Uint8Array): Promise<void> {
  const [algorithm = '', hex = ''] = digest.split(':')
  return write(join(root, 'blobs', algorithm, hex.slice(0, 2), hex, 'data'), bytes)
}

function slashed(digest: string): string {
  return digest.replace(':', '/')
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
