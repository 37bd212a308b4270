import assert from 'node:assert/strict'
import { DamagedBlockError } from '../../src/blocks/block-store.ts'
import { ServingBlockstore } from '../../src/ipfs/serving-blockstore.ts'
import { MemoryBlocks, randomBlock } from './nodes.ts'
import type { CID } from 'multiformats/cid'

describe("the block store as peers' requests see it", () => {
  let blocks: MemoryBlocks
  let open: { cid: CID; bytes: Uint8Array }
  let secret: { cid: CID; bytes: Uint8Array }
  let store: ServingBlockstore

  beforeEach(async () => {
    blocks = new MemoryBlocks()
    open = await randomBlock()
    secret = await randomBlock()
    await blocks.put(open.cid, open.bytes)
    await blocks.put(secret.cid, secret.bytes)
    store = new ServingBlockstore(blocks, (cid) => cid.equals(open.cid))
  })

  async function get(cid: CID): Promise<Uint8Array[]> {
    return Array.fromAsync(store.get(cid))
  }

  it('has what is servable, and nothing else', async () => {
    assert.deepEqual([await store.has(open.cid), await store.has(secret.cid)], [true, false])
    assert.deepEqual(await get(open.cid), [open.bytes])
    await assert.rejects(get(secret.cid), { name: 'NotFoundError' })
  })

  it('gives several, and not those that are not servable', async () => {
    const [first, second] = await Array.fromAsync(store.getMany([open.cid, secret.cid]))
    assert.ok(first && second)
    assert.deepEqual(await Array.fromAsync(first.bytes), [open.bytes])
    await assert.rejects(async () => Array.fromAsync(second.bytes), { name: 'NotFoundError' })
  })

  it('does not have what is damaged, and does not hide other failures', async () => {
    blocks.get = (cid) => Promise.reject(new DamagedBlockError(cid, 'rot'))
    await assert.rejects(get(open.cid), { name: 'NotFoundError' })
    blocks.get = () => Promise.reject(new Error('EIO'))
    await assert.rejects(get(open.cid), /EIO/)
  })

  it('cannot be listed, written or deleted from', async () => {
    const { cid, bytes } = open
    assert.deepEqual(await Array.fromAsync(store.getAll()), [])
    assert.throws(() => store.put(cid), /cannot be written or deleted/)
    assert.throws(() => store.delete(cid), /cannot be written or deleted/)
    await assert.rejects(Array.fromAsync(store.putMany([{ cid, bytes }])), /cannot be written/)
    await assert.rejects(Array.fromAsync(store.deleteMany([cid])), /cannot be written/)
    assert.equal(blocks.blocks.size, 2)
  })
})
