import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { FetchedBlocks } from '../../src/blocks/block-source.ts'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { WriteBehind } from '../../src/blocks/write-behind.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import type { CID } from 'multiformats/cid'

/** A disk that writes when it is told to. */
class SlowDisk extends MemoryBlocks {
  readonly waiting: Array<(error?: Error) => void> = []
  syncs = 0

  override async put(cid: CID, bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.waiting.push((error) => (error === undefined ? resolve() : reject(error)))
    })
    await super.put(cid, bytes)
  }

  override sync(): Promise<void> {
    this.syncs++
    return super.sync()
  }

  /** Lets the writes end that wait now. */
  write(error?: Error): void {
    for (const end of this.waiting.splice(0)) end(error)
  }
}

function block(size = 1000): { cid: CID; bytes: Uint8Array } {
  const bytes = randomBytes(size)
  return { bytes, cid: cidFromHash(RAW, sha256(bytes)) }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, errno: -1 })
}

/** Whether a promise is settled after everything had its turn. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = (): void => void (settled = true)
  promise.then(note, note)
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => void setImmediate(resolve))
  return settled
}

describe('writing behind', () => {
  it('has a block before the disk has it', async () => {
    const disk = new SlowDisk()
    const store = new WriteBehind(disk)
    const { cid, bytes } = block()
    await store.put(cid, bytes)
    assert.equal(await store.get(cid), bytes)
    assert.equal(await store.size(cid), 1000)
    assert.ok(await store.has(cid))
    assert.equal(disk.blocks.size, 0)
    disk.write()
    await store.sync()
    assert.deepEqual(await disk.get(cid), Uint8Array.from(bytes))
    assert.deepEqual(await store.get(cid), Uint8Array.from(bytes))
  })

  it('makes those wait who bring more than it may hold, and lets them go when they leave', async () => {
    const disk = new SlowDisk()
    const store = new WriteBehind(disk, 2500)
    const blocks = [block(), block(), block()] as const
    for (const { cid, bytes } of blocks.slice(0, 2)) await store.put(cid, bytes)
    const leave = new AbortController()
    const left = store.put(block().cid, randomBytes(1000), { signal: leave.signal })
    const third = store.put(blocks[2].cid, blocks[2].bytes)
    assert.equal(await isSettled(third), false)
    leave.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    disk.write()
    await third
  })

  it('takes a block that is larger than all it may hold, when it holds nothing else', async () => {
    const store = new WriteBehind(new SlowDisk(), 10)
    const { cid, bytes } = block()
    await store.put(cid, bytes)
    assert.equal(await store.get(cid), bytes)
  })

  it('syncs when all is written that came before, and not what comes after', async () => {
    const disk = new SlowDisk()
    const store = new WriteBehind(disk)
    const [first, later] = [block(), block()]
    await store.put(first.cid, first.bytes)
    const synced = store.sync()
    assert.equal(await isSettled(synced), false)
    assert.equal(disk.syncs, 0)
    const ends = disk.waiting.splice(0)
    await store.put(later.cid, later.bytes)
    for (const end of ends) end()
    await synced
    assert.equal(disk.syncs, 1)
    assert.equal(disk.blocks.size, 1)
  })

  it('only does not keep what a full disk does not take', async () => {
    const disk = new SlowDisk()
    const store = new WriteBehind(disk)
    const { cid, bytes } = block()
    await store.put(cid, bytes)
    disk.write(systemError('ENOSPC'))
    await store.sync()
    assert.equal(await store.has(cid), false)
  })

  it('tells of a broken disk at the next put, and at the sync', async () => {
    const disk = new SlowDisk()
    const store = new WriteBehind(disk)
    for (const again of [() => store.put(block().cid, randomBytes(1)), () => store.sync()]) {
      const { cid, bytes } = block()
      await store.put(cid, bytes)
      const failed = store.sync().catch((error: unknown) => error)
      disk.write(systemError('EIO'))
      assert.match(String(await failed), /EIO/)
      await store.put(cid, bytes)
      disk.write(systemError('EIO'))
      await isSettled(Promise.resolve())
      await assert.rejects(again(), /EIO/)
    }
  })

  it('does not call safe what was dropped, though a put of somebody else was told of it', async () => {
    const disk = new SlowDisk()
    const store = new WriteBehind(disk)
    const { cid, bytes } = block()
    await store.put(cid, bytes)
    disk.write(systemError('EIO'))
    await isSettled(Promise.resolve())
    await assert.rejects(store.put(block().cid, randomBytes(1)), /EIO/)
    await assert.rejects(store.sync(), /EIO/)
    assert.equal(disk.syncs, 0)
    await store.sync() // told once: whoever relied on it begins anew
  })

  it('tells everybody who waits for it that a block was dropped', async () => {
    const disk = new SlowDisk()
    const store = new WriteBehind(disk)
    const { cid, bytes } = block()
    await store.put(cid, bytes)
    const syncs = [store.sync(), store.sync()].map((sync) => assert.rejects(sync, /EIO/))
    disk.write(systemError('EIO'))
    await Promise.all(syncs)
  })

  it('lets a reader of fetched blocks have them at once', async () => {
    const disk = new SlowDisk()
    const { cid, bytes } = block()
    const kept: CID[] = []
    const source = new FetchedBlocks(
      new WriteBehind(disk),
      () => Promise.resolve(bytes),
      (one) => void kept.push(one),
    )
    assert.equal(await source.get(cid), bytes)
    assert.equal(await source.get(cid), bytes)
    assert.deepEqual(kept, [cid])
    assert.equal(disk.waiting.length, 1)
  })
})
