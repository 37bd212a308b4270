import { dataDirectory } from '../../../src/daemon/data-directory.ts'
import { openStorage } from '../../../src/daemon/storage.ts'
import { parseName, parseTag } from '../../../src/oci/name.ts'
import { LAYER, seedlings } from './shape.ts'
import { zeros } from './zeros.ts'
import type { Storage } from '../../../src/daemon/storage.ts'
import type { StoredContent } from '../../../src/registry/ports.ts'
import type { Seedling, Shape } from './shape.ts'

/**
 * Manifests that one edit links. Every commit draws again each directory that it touches, and the blobs of so many touch
 * all 256 of them: fewer and larger edits are what makes it quick.
 */
const GROUP = 4000

/** Contents that are written at once. */
const AT_ONCE = 64

/** What is grown besides the manifests. */
export interface GrowOptions {
  /** GiB of content that is all zeros, in blobs of 1 GiB: one leaf on disk, whatever the number. */
  readonly gib?: number | undefined
  /** Told how many manifests are there, every few seconds. */
  readonly onProgress?: ((done: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Makes a data directory that holds such a registry, through the rooms that pushes go through (`blocks`, and the commit
 * lane of `tree`), without HTTP. Nothing else may use the directory. What is in it already stays.
 */
export async function growHeliport(
  directory: string,
  shape: Shape,
  { gib = 0, onProgress, signal }: GrowOptions = {},
): Promise<void> {
  await using storage = await openStorage(dataDirectory(directory), async () => undefined)
  const layer = await storage.contents.write(LAYER.bytes, LAYER.digest)
  let group: Seedling[] = []
  let done = 0
  const plantGroup = async (): Promise<void> => {
    signal?.throwIfAborted()
    await plant(storage, group, layer)
    done += group.length
    group = []
    onProgress?.(done)
  }
  for (const seedling of seedlings(shape)) {
    group.push(seedling)
    if (group.length === GROUP) await plantGroup()
  }
  if (group.length > 0) await plantGroup()
  for (let at = 0; at < gib; at++) await plantZeros(storage, at, signal)
}

/** What has to be linked for one image. */
interface Sown {
  readonly seedling: Seedling
  readonly config: StoredContent
  readonly manifest: StoredContent
}

async function plant(storage: Storage, group: readonly Seedling[], layer: StoredContent) {
  const sown: Sown[] = []
  for (let at = 0; at < group.length; at += AT_ONCE)
    sown.push(...(await Promise.all(group.slice(at, at + AT_ONCE).map((one) => sow(storage, one)))))
  await storage.lane.transact(async (tx) => {
    for (const { seedling, config, manifest } of sown) {
      const name = parseName(seedling.repository)
      await tx.linkBlob(name, config)
      await tx.linkBlob(name, layer)
      await tx.putManifest(name, manifest)
      await tx.setTag(name, parseTag(seedling.tag), manifest.digest)
    }
  })
}

async function sow({ contents }: Storage, seedling: Seedling): Promise<Sown> {
  const { image } = seedling
  const [config, manifest] = await Promise.all([
    contents.write(image.config.bytes, image.config.digest),
    contents.write(image.bytes, image.digest),
  ])
  return { seedling, config, manifest }
}

async function plantZeros({ contents, lane }: Storage, at: number, signal?: AbortSignal) {
  const { digest, bytes } = zeros(at)
  const stored = await contents.write(bytes(), digest, { signal })
  await lane.transact((tx) => tx.linkBlob(parseName('bench/zeros'), stored))
}
