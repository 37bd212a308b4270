import { join } from 'node:path'
import { LocalBlocks } from '../../../src/blocks/block-source.ts'
import { DiskBlockStore } from '../../../src/blocks/disk-block-store.ts'
import { readFile } from '../../../src/blocks/file-reader.ts'
import { StateDb } from '../../../src/blocks/state-db.ts'
import { algorithmOf, createHasher, parseDigest } from '../../../src/oci/digest.ts'
import { CID } from 'multiformats/cid'

/**
 * Looks into the data directory of a daemon that has stopped: whatever it trusts for good has to be true, and every block
 * that it kept has to be what it is called.
 *
 * @returns how many mappings it trusts
 * @throws when one of them is wrong
 */
export async function audit(data: string): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const state = await StateDb.open(join(data, 'state'))
  stack.defer(() => state.close())
  const blocks = await DiskBlockStore.open(join(data, 'blocks'), state)
  stack.defer(() => blocks.close())
  let count = 0
  for await (const [key] of state.map('trust').entries()) {
    const [text = '', id = ''] = key.split(' ')
    const digest = parseDigest(text)
    const hasher = createHasher(algorithmOf(digest))
    for await (const bytes of readFile(new LocalBlocks(blocks), CID.parse(id))) hasher.update(bytes)
    if (hasher.digest() !== digest) throw new Error(`${id} is trusted to be ${digest}, and is not`)
    count++
  }
  return count
}
