import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DamagedBlockError } from '../../src/blocks/block-store.ts'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { DiskBlockStore } from '../../src/blocks/disk-block-store.ts'
import { PartReader, SLICE_BYTES } from '../../src/blocks/part-reader.ts'
import { StateDb } from '../../src/blocks/state-db.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { CID } from 'multiformats/cid'

const SIZE = 10 * SLICE_BYTES + 17
const bytes = randomBytes(SIZE)
const cid = cidFromHash(RAW, sha256(bytes))
const last = { offset: SIZE - 20, length: 20 }

/** A reader of one block in a file; counts how often it reads all of it. */
async function opened(
  path: string,
): Promise<{ reader: PartReader; file: string; wholes: () => number }> {
  const file = join(path, 'block')
  await writeFile(file, bytes)
  let wholes = 0
  const whole = (): Promise<Uint8Array> => {
    wholes += 1
    return Promise.resolve(bytes)
  }
  return { reader: new PartReader({ whole, path: () => file }), file, wholes: () => wholes }
}

describe('parts of a block', () => {
  const parts: [string, number, number][] = [
    ['its first byte', 0, 1],
    ['a slice', SLICE_BYTES, SLICE_BYTES],
    ['across slices', 3 * SLICE_BYTES - 5, 2 * SLICE_BYTES],
    ['its end', SIZE - 20, 20],
    ['all of it', 0, SIZE],
  ]
  for (const [what, offset, length] of parts)
    it(`are what they are in the whole, which is read once: ${what}`, async () => {
      await using dir = await temporaryDirectory()
      const { reader, wholes } = await opened(dir.path)
      for (const _ of [1, 2, 3]) {
        const part = await reader.read(cid, { offset, length })
        assert.deepEqual(Buffer.from(part?.bytes ?? []), bytes.subarray(offset, offset + length))
        assert.equal(part?.size, SIZE)
      }
      assert.equal(wholes(), 1)
    })

  it('do not keep the whole in memory', async () => {
    await using dir = await temporaryDirectory()
    const { reader } = await opened(dir.path)
    for (const _ of [1, 2]) {
      const part = await reader.read(cid, { offset: 0, length: SLICE_BYTES })
      assert.equal(part?.bytes.buffer.byteLength, SLICE_BYTES)
    }
  })

  it('are read together by those who come to a block at the same time', async () => {
    await using dir = await temporaryDirectory()
    const { reader, wholes } = await opened(dir.path)
    await Promise.all(Array.from({ length: 20 }, () => reader.read(cid, last)))
    assert.equal(wholes(), 1)
  })

  it('are had from the whole when a slice is not what it was, or the file is shorter', async () => {
    await using dir = await temporaryDirectory()
    const { reader, file, wholes } = await opened(dir.path)
    await reader.read(cid, last)
    const rotten = Buffer.from(bytes)
    rotten[SIZE - 1] = (rotten[SIZE - 1] ?? 0) ^ 1
    for (const content of [rotten, bytes.subarray(0, SIZE - 1), Buffer.alloc(0)]) {
      await writeFile(file, content)
      const before = wholes()
      assert.deepEqual(
        Buffer.from((await reader.read(cid, last))?.bytes ?? []),
        bytes.subarray(-20),
      )
      assert.equal(wholes(), before + 1)
    }
  })

  it('beyond its end are refused', async () => {
    await using dir = await temporaryDirectory()
    const { reader } = await opened(dir.path)
    const beyond = { offset: SIZE - 1, length: 2 }
    for (const _ of [1, 2]) {
      await assert.rejects(reader.read(cid, beyond), RangeError)
      await reader.read(cid, last)
    }
  })
})

describe('the block store, in parts', () => {
  async function withBlock(
    use: (store: DiskBlockStore, file: string, stored: CID) => Promise<void>,
  ): Promise<void> {
    await using dir = await temporaryDirectory()
    const state = await StateDb.open(join(dir.path, 'state'))
    const store = await DiskBlockStore.open(join(dir.path, 'blocks'), state)
    await store.put(cid, bytes)
    await store.sync()
    const hash = Buffer.from(cid.multihash.digest).toString('hex')
    await store.part(cid, last)
    await use(store, join(dir.path, 'blocks', hash.slice(0, 2), hash), cid)
    await store.close()
    await state.close()
  }

  it('finds a damaged block damaged, in the part that is damaged', () =>
    withBlock(async (store, file) => {
      const rotten = Buffer.from(bytes)
      rotten[0] = (rotten[0] ?? 0) ^ 1
      await writeFile(file, rotten)
      assert.deepEqual(Buffer.from((await store.part(cid, last))?.bytes ?? []), bytes.subarray(-20))
      await assert.rejects(store.part(cid, { offset: 0, length: 1 }), DamagedBlockError)
    }))

  it('says that a block is not here any more', () =>
    withBlock(async (store, file) => {
      await rm(file)
      assert.equal(await store.part(cid, last), undefined)
    }))
})
