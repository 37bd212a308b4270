import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Barrier } from '../../src/blocks/barrier.ts'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { DiskBlockStore } from '../../src/blocks/disk-block-store.ts'
import { LiveSet } from '../../src/blocks/live-set.ts'
import { Pace } from '../../src/blocks/pace.ts'
import { RecentBlocks } from '../../src/blocks/recent-blocks.ts'
import { StateDb } from '../../src/blocks/state-db.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { CID } from 'multiformats/cid'

/** A store that remembers nothing of what was put but for those who hold it. */
async function openStore() {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const state = await StateDb.open(join(directory.path, 'state'))
  stack.defer(() => state.close())
  let ticks = 0
  const barrier = new Barrier(new RecentBlocks({ now: () => ++ticks, window: 0 }))
  const store = await DiskBlockStore.open(join(directory.path, 'blocks'), state, barrier)
  stack.defer(() => store.close())
  const opened = stack.move()
  const put = async (size: number): Promise<{ cid: CID; bytes: Uint8Array }> => {
    const bytes = randomBytes(size)
    const cid = cidFromHash(RAW, sha256(bytes))
    await store.put(cid, bytes)
    await store.sync()
    return { cid, bytes }
  }
  return { store, put, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** Collects all that is not in `live`, doing something in the middle. */
async function collect(
  store: DiskBlockStore,
  live: readonly CID[],
  { dryRun, meanwhile }: { dryRun?: boolean; meanwhile?: () => Promise<unknown> } = {},
): Promise<{ seen: number; blocks: number; bytes: number }> {
  using collection = store.collect()
  for (const cid of live) collection.live.add(cid.multihash.digest)
  await meanwhile?.()
  const reclaimed = { seen: 0, blocks: 0, bytes: 0 }
  await collection.sweep({ pace: new Pace(1), dryRun, reclaimed })
  return reclaimed
}

describe('a collection', () => {
  it('deletes what is not live, small or large, and nothing else', async () => {
    await using disk = await openStore()
    const { store, put } = disk
    const [small, large, kept] = [await put(100), await put(50_000), await put(60_000)]
    assert.deepEqual(await collect(store, [kept.cid], { dryRun: true }), {
      seen: 3,
      blocks: 2,
      bytes: 50_100,
    })
    assert.equal((await store.get(large.cid))?.length, 50_000)
    const { blocks, bytes } = await collect(store, [kept.cid])
    assert.deepEqual({ blocks, bytes }, { blocks: 2, bytes: 50_100 })
    assert.equal(await store.get(small.cid), undefined)
    assert.equal(await store.get(large.cid), undefined)
    assert.equal((await store.get(kept.cid))?.length, 60_000)
  })

  it('leaves alone whatever is put, read, looked for or linked while it runs', async () => {
    await using disk = await openStore()
    const { store, put } = disk
    const [again, read, asked, linked, dead] = [
      await put(50_000),
      await put(10),
      await put(20),
      await put(30),
      await put(40),
    ]
    const meanwhile = async (): Promise<void> => {
      await store.put(again.cid, again.bytes)
      await store.get(read.cid)
      await store.has(asked.cid)
      store.link([linked.cid])
    }
    assert.equal((await collect(store, [], { meanwhile })).blocks, 1)
    for (const { cid } of [again, read, asked, linked]) assert.ok(await store.has(cid))
    assert.equal(await store.has(dead.cid), false)
  })

  it('leaves alone what was put under a hold, however long ago', async () => {
    await using disk = await openStore()
    const { store, put } = disk
    const hold = store.hold()
    const held = await put(50_000)
    await put(10)
    assert.equal((await collect(store, [])).blocks, 0)
    hold[Symbol.dispose]()
    await put(20)
    assert.equal((await collect(store, [])).blocks, 3)
    assert.equal(await store.has(held.cid), false)
  })

  it('keeps a block that is put while it is being deleted', async () => {
    await using disk = await openStore()
    const { store, put } = disk
    const blocks = [await put(50_000), await put(100)]
    for (let round = 0; round < 20; round++) {
      const collecting = collect(store, [])
      const putting = blocks.map(async ({ cid, bytes }) => {
        for (let turns = round * 3; turns > 0; turns--) await Promise.resolve()
        if ((await store.get(cid)) === undefined) await store.put(cid, bytes)
      })
      await Promise.all([collecting, ...putting])
      await store.sync()
      for (const { cid, bytes } of blocks)
        assert.deepEqual(Buffer.from((await store.get(cid)) ?? []), Buffer.from(bytes))
    }
  })

  it('takes the mark of being linked with the block, so that a later upload of it is for nobody', async () => {
    await using disk = await openStore()
    const { store, put } = disk
    for (const size of [100, 50_000]) {
      const { cid, bytes } = await put(size)
      store.link([cid])
      await store.sync()
      assert.equal(await store.isLinked(cid), true)
      assert.equal((await collect(store, [])).blocks, 1)
      assert.equal(await store.isLinked(cid), false)
      await store.put(cid, bytes)
      assert.equal(await store.isLinked(cid), false)
      await store.sync()
      await collect(store, [])
    }
  })

  it('is one at a time', async () => {
    await using disk = await openStore()
    using _ = disk.store.collect()
    assert.throws(() => disk.store.collect(), /runs already/)
  })
})

describe('a set of live blocks', () => {
  it('has what was added, tells leaves from nodes that were followed, and takes little memory', () => {
    const set = new LiveSet()
    const hashes = Array.from({ length: 50_000 }, () => randomBytes(32))
    for (const hash of hashes) set.add(hash)
    for (const hash of hashes) set.add(hash)
    assert.equal(set.size, 50_000)
    assert.ok(hashes.every((hash) => set.has(hash)))
    assert.equal(
      Array.from({ length: 1000 }, () => randomBytes(32)).some((hash) => set.has(hash)),
      false,
    )
    const [leaf = randomBytes(32)] = hashes
    assert.equal(set.expand(leaf), true, 'a leaf may have the bytes of a node')
    assert.equal(set.expand(leaf), false)
    assert.ok(set.bytes <= 64 * 50_000, `${set.bytes / 50_000} bytes a block`)
  })
})
