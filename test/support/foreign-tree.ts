import { randomFillSync } from 'node:crypto'
import { MemoryBlockstore } from 'blockstore-core'
import { importer } from 'ipfs-unixfs-importer'
import { hexOf } from '../../src/oci/digest.ts'
import { Journal } from '../../src/tree/journal.ts'
import { openDisk } from './disk.ts'
import type { RandomManifest } from './random-image.ts'

/** A file of a directory that another program made. */
export interface ForeignFile {
  path: string
  content: Uint8Array
}

/** The directory of a stock registry with one image under 60 tags, and an upload that nobody ended. */
export function stockFiles(name: string, image: RandomManifest): ForeignFile[] {
  const top = 'docker/registry/v2'
  const repository = `${top}/repositories/${name}`
  const data = [image, ...image.blobs].map(({ digest, bytes }) => ({
    path: `${top}/blobs/sha256/${hexOf(digest).slice(0, 2)}/${hexOf(digest)}/data`,
    content: bytes,
  }))
  const link = (directory: string, text: string): ForeignFile => ({
    path: `${repository}/${directory}/link`,
    content: Buffer.from(text),
  })
  return [
    ...data,
    ...image.blobs.map(({ digest }) => link(`_layers/sha256/${hexOf(digest)}`, digest)),
    link(`_manifests/revisions/sha256/${hexOf(image.digest)}`, image.digest),
    ...Array.from({ length: 60 }, (_, n) => link(`_manifests/tags/v${n}/current`, image.digest)),
    {
      path: `${repository}/_uploads/0d0e/data`,
      content: randomFillSync(Buffer.alloc(90_000)),
    },
  ]
}

/** Makes a directory, drawn in HAMTs of 16 slots, the tree of a node that is stopped. */
export async function publishForeign(data: string, files: ForeignFile[]): Promise<void> {
  const drawn = new MemoryBlockstore()
  const form = { shardSplitThresholdBytes: 0, shardFanoutBits: 4, wrapWithDirectory: true }
  const all = await Array.fromAsync(importer(files, drawn, form))
  const root = all.find(({ path }) => path === '')?.cid.toV1()
  if (root === undefined) throw new Error('nothing was drawn')
  await using disk = await openDisk(data)
  for await (const { cid, bytes } of drawn.getAll()) {
    await disk.blocks.put(cid, Buffer.concat(await Array.fromAsync(bytes)))
    disk.blocks.link([cid])
  }
  const entry = { sequence: 1, time: Date.now(), public: root, private: undefined, changes: [] }
  await disk.blocks.commit(new Journal(disk.state).write(entry))
}
