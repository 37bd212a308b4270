import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CHUNK_BYTES } from '../../src/blocks/chunking.ts'
import { encodeRecords, readLog, recordsOf } from '../../src/blocks/upload-log.ts'
import { DiskUploadStore } from '../../src/blocks/upload-store.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { streamOf } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { UploadRecord } from '../../src/blocks/upload-log.ts'

const ID = '0b7c8c5e-64a8-4b3c-9d4e-2f6a1f6c0001'
const info = { id: ID, name: parseName('app'), startedAt: 1000, algorithm: 'sha256' as const }

describe('the log of an upload', () => {
  it('is read some records at a time, and others have their turn', async () => {
    await using dir = await temporaryDirectory()
    const path = join(dir.path, 'log')
    const leaves = Array.from({ length: 20_000 }, (): UploadRecord => ({
      type: 'leaf',
      hash: randomBytes(32),
    }))
    const bytes = randomBytes(CHUNK_BYTES - 1)
    const records = [
      { type: 'header' as const, json: {} },
      ...leaves,
      { type: 'bytes' as const, bytes },
    ]
    await writeFile(path, encodeRecords(records))
    let turns = 0
    const note = (): void => {
      turns++
      others = setImmediate(note)
    }
    let others = setImmediate(note)
    let most = 0
    for await (const some of recordsOf(path)) most = Math.max(most, some.length)
    clearImmediate(others)
    assert.ok(most <= 1500, `${most} records in a row`)
    assert.ok(turns >= 10, `${turns} turns of others`)
    assert.deepEqual(
      encodeRecords((await readLog(path)).map(({ record }) => record)),
      encodeRecords(records),
    )
  })

  it('is not read from its beginning for each request of an upload that goes on', async () => {
    await using dir = await temporaryDirectory()
    const store = await DiskUploadStore.open(dir.path, new MemoryBlocks())
    const upload = await store.create(info)
    const content = randomBytes(3 * CHUNK_BYTES + 40_000)
    await upload.append(streamOf(content.subarray(0, CHUNK_BYTES + 100)))
    await upload.append(streamOf(content.subarray(CHUNK_BYTES + 100, 2 * CHUNK_BYTES + 30_000)))
    // Whoever reads it from there on finds nothing whole.
    await using log = await open(join(dir.path, ID), 'r+')
    await log.write(Buffer.alloc(8), 0, 8, 0)
    await upload.append(
      streamOf(content.subarray(2 * CHUNK_BYTES + 30_000, 2 * CHUNK_BYTES + 50_000)),
    )
    await upload.append(streamOf(content.subarray(2 * CHUNK_BYTES + 50_000)))
    assert.equal((await upload.finish(digestOf(content))).size, content.length)
  })

  it('fails a request, and does not go on with other bytes, when the end that it needs was damaged', async () => {
    await using dir = await temporaryDirectory()
    const store = await DiskUploadStore.open(dir.path, new MemoryBlocks())
    const upload = await store.create(info)
    await upload.append(streamOf(randomBytes(50_000)))
    const path = join(dir.path, ID)
    const last = (await readLog(path)).at(-1)
    await using log = await open(path, 'r+')
    await log.write(Buffer.from([1, 2, 3]), 0, 3, (last?.start ?? 0) + 1000)
    await assert.rejects(upload.append(streamOf(randomBytes(10))), /has lost its end/)
    assert.equal((await store.open(ID))?.size, 0)
  })
})
