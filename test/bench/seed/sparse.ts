import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { CHUNK_BYTES } from '../../../src/blocks/chunking.ts'
import { RAW, cidFromHash } from '../../../src/blocks/cids.ts'
import { FileDag } from '../../../src/blocks/file-dag.ts'
import type { DiskBlockStore } from '../../../src/blocks/disk-block-store.ts'
import type { DagPart } from '../../../src/blocks/file-dag.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import type { StoredContent } from '../../../src/registry/ports.ts'

/** Bytes at the end of a leaf that say which one it is; what is before them is zeros, and a hole on the disk. */
const END = 64
const HOLE = CHUNK_BYTES - END

/** Files that are made at once. */
const AT_ONCE = 16

/** The hash of the zeros, from which those of all leaves go on: 50 GiB of leaves are hashed in no time. */
const zeros = createHash('sha256').update(Buffer.alloc(HOLE))

/** What ends a leaf. */
export function leafEnd(blob: number, leaf: number): Buffer {
  const end = Buffer.alloc(END)
  end.write(`heliport bench: leaf ${leaf} of blob ${blob}`)
  return end
}

/**
 * Puts a blob of so many leaves of 1 MiB into the block store, no two of which are alike, here or in another blob: each is
 * a file of its own, as large as any other, with a hole in it. So the registry has as many files, bytes and links as one of
 * that size, and the disk has 4 KiB for each.
 *
 * @param directory of the block store
 * @throws Error where files cannot have holes
 */
export async function plantSparse(
  blocks: DiskBlockStore,
  directory: string,
  { number, leaves, signal }: { number: number; leaves: number; signal?: AbortSignal | undefined },
): Promise<StoredContent> {
  const dag = new FileDag((node) => blocks.put(node.cid, node.bytes))
  const whole = createHash('sha256')
  const bytes = Buffer.alloc(CHUNK_BYTES)
  for (let from = 0; from < leaves; from += AT_ONCE) {
    signal?.throwIfAborted()
    const ends = Array.from({ length: Math.min(AT_ONCE, leaves - from) }, (_, at) =>
      leafEnd(number, from + at),
    )
    const parts = await Promise.all(ends.map((end) => plantLeaf(directory, end)))
    for (const end of ends) {
      end.copy(bytes, HOLE)
      whole.update(bytes)
    }
    for (const part of parts) await dag.add(part)
  }
  const root = await dag.finish()
  if (root === undefined || (await blocks.size(root.cid)) === undefined)
    throw new Error('the block store does not find what was put beside it')
  const digest = `sha256:${whole.digest('hex')}` as Digest
  return { digest, size: root.size, id: root.cid.toString(), treeSize: root.treeSize }
}

async function plantLeaf(directory: string, end: Buffer): Promise<DagPart> {
  const hash = zeros.copy().update(end).digest()
  const name = hash.toString('hex')
  const file = await open(join(directory, name.slice(0, 2), name), 'w', 0o600)
  try {
    await file.write(end, 0, END, HOLE)
    const { blocks } = await file.stat()
    if (blocks * 512 > CHUNK_BYTES / 2)
      throw new Error(`files in ${directory} have no holes; TMPDIR or --data names another place`)
  } finally {
    await file.close()
  }
  return { cid: cidFromHash(RAW, hash), size: CHUNK_BYTES, treeSize: CHUNK_BYTES }
}
