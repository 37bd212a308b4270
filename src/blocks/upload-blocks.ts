import { CHUNK_BYTES } from './chunking.ts'
import { RAW, cidFromHash } from './cids.ts'
import { FileDag } from './file-dag.ts'
import { isNotFound } from './files.ts'
import { recordsOf } from './upload-log.ts'

/**
 * The blocks that an upload session stands for: the leaves in its log, and the nodes above them that are in the store
 * already, which nothing names until the content ends.
 *
 * @param onBlock gets the hash of each
 * @throws when the log cannot be read; not when it is gone, for then the session has ended
 */
export async function uploadBlocks(
  path: string,
  onBlock: (hash: Uint8Array) => void,
): Promise<void> {
  const onNode = ({ cid }: { cid: { multihash: { digest: Uint8Array } } }): Promise<void> =>
    Promise.resolve(onBlock(cid.multihash.digest))
  const dag = new FileDag(onNode)
  try {
    for await (const records of recordsOf(path))
      for (const { record } of records) {
        if (record.type !== 'leaf') continue
        onBlock(record.hash)
        const cid = cidFromHash(RAW, record.hash)
        await dag.add({ cid, size: CHUNK_BYTES, treeSize: CHUNK_BYTES })
      }
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
