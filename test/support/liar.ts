import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { parseTag } from '../../src/oci/name.ts'
import { openDisk } from './disk.ts'
import { TestNode } from './two-nodes.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { Disk } from './disk.ts'

/** A node whose tree is drawn below all rules: what it publishes may say of digests what is not true. */
export async function liarWith(draw: (disk: Disk) => Promise<void>): Promise<TestNode> {
  const liar = await TestNode.start()
  await liar.stop()
  {
    await using disk = await openDisk(liar.data)
    await draw(disk)
  }
  await liar.restart()
  return liar
}

/** Draws into a tree that `digest` is these bytes. */
export async function drawBlob(
  disk: Disk,
  name: RepositoryName,
  digest: Digest,
  bytes: Uint8Array,
): Promise<void> {
  const stored = await disk.contents.write(bytes, digestOf(bytes))
  await disk.lane.transact((tx) => tx.linkBlob(name, { ...stored, digest }))
}

/** The same for a manifest, and a tag that points to it. */
export async function drawManifest(
  disk: Disk,
  name: RepositoryName,
  tag: string,
  { digest, bytes }: { digest: Digest; bytes: Uint8Array },
): Promise<void> {
  const stored = await disk.contents.write(bytes, digestOf(bytes))
  await disk.lane.transact(async (tx) => {
    await tx.putManifest(name, { ...stored, digest })
    await tx.setTag(name, parseTag(tag), digest)
  })
}

/** Takes bytes that fit into one block away from a tree that goes on naming them: it says that it has what it has not. */
export async function withhold({ blocks, state, path }: Disk, bytes: Uint8Array): Promise<void> {
  await blocks.sync()
  const hash = hexOf(digestOf(bytes))
  await state.write([
    { key: Buffer.concat([Buffer.from('b/'), Buffer.from(hash, 'hex')]), value: undefined },
  ])
  await rm(join(path, 'blocks', hash.slice(0, 2), hash), { force: true })
}
