import { dataDirectory } from '../../../src/daemon/data-directory.ts'
import { openStorage } from '../../../src/daemon/storage.ts'
import { parseName, parseTag } from '../../../src/oci/name.ts'
import { imageManifest } from '../load/manifest.ts'
import { CONTENT, LAYER, seedlings, tagAt } from './shape.ts'
import { plantSparse } from './sparse.ts'
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
  /** Images of one layer each, which together have so many GiB: see {@link plantSparse}. */
  readonly gib?: number | undefined
  /** Leaves of 1 MiB that such a layer has, if not 1024. */
  readonly leaves?: number | undefined
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
  { gib = 0, leaves = 1024, onProgress, signal }: GrowOptions = {},
): Promise<void> {
  const places = dataDirectory(directory)
  await using storage = await openStorage(places, async () => undefined)
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
  for (let number = 0; number < gib; number++) {
    await plantContent(storage, places.blocks, { number, leaves, signal })
    onProgress?.(done + number + 1)
  }
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

async function plantContent(
  { blocks, contents, lane }: Storage,
  directory: string,
  plan: { number: number; leaves: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const layer = await plantSparse(blocks, directory, plan)
  const image = imageManifest([layer])
  const config = await contents.write(image.config.bytes, image.config.digest)
  const manifest = await contents.write(image.bytes, image.digest)
  const name = parseName(CONTENT)
  await lane.transact(async (tx) => {
    for (const blob of [config, layer]) await tx.linkBlob(name, blob)
    await tx.putManifest(name, manifest)
    await tx.setTag(name, parseTag(tagAt(plan.number)), manifest.digest)
  })
}
