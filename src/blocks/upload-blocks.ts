import { CHUNK_BYTES } from './chunking.ts'
import { RAW, cidFromHash } from './cids.ts'
import { FileDag } from './file-dag.ts'
import { isNotFound } from './files.ts'
import { readLog } from './upload-log.ts'

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
  for (const { record } of await logOf(path)) {
    if (record.type !== 'leaf') continue
    onBlock(record.hash)
    const cid = cidFromHash(RAW, record.hash)
    await dag.add({ cid, size: CHUNK_BYTES, treeSize: CHUNK_BYTES })
  }
}

async function logOf(path: string): ReturnType<typeof readLog> {
  try {
    return await readLog(path)
  } catch (error) {
    if (isNotFound(error)) return []
    throw error
  }
}
