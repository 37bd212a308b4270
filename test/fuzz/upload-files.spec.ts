import assert from 'node:assert/strict'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { DiskUploadStore } from '../../src/blocks/upload-store.ts'
import { encodeRecords, readHeader, readLog, repairLog } from '../../src/blocks/upload-log.ts'
import { sha256 } from '../../src/blocks/cids.ts'
import { parseName } from '../../src/oci/name.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { streamOf } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { UploadRecord } from '../../src/blocks/upload-log.ts'

const record: fc.Arbitrary<UploadRecord> = fc.oneof(
  fc.jsonValue().map((json): UploadRecord => ({ type: 'header', json })),
  fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((hash): UploadRecord => ({ type: 'leaf', hash })),
  fc.uint8Array({ maxLength: 300 }).map((bytes): UploadRecord => ({ type: 'bytes', bytes })),
)
const log = fc.array(record, { maxLength: 6 })
const change = fc.record({ at: fc.nat(), value: fc.nat(255), cut: fc.boolean() })

function changed(
  bytes: Buffer,
  { at, value, cut }: { at: number; value: number; cut: boolean },
): Buffer {
  const copy = Buffer.from(bytes)
  if (cut) return copy.subarray(0, at % (copy.length + 1))
  if (copy.length > 0) copy[at % copy.length] = value
  return copy
}

describe('the log of an upload (properties)', () => {
  it('reads back what was written, and of a damaged one a beginning', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'log')
    await fc.assert(
      fc.asyncProperty(log, fc.option(change), async (records, damage) => {
        const whole = encodeRecords(records)
        await writeFile(path, damage === null ? whole : changed(whole, damage))
        const end = await repairLog(path)
        const read = await readLog(path)
        if (damage === null) assert.equal(read.length, records.length)
        const beginning = encodeRecords(read.map((each) => each.record))
        assert.deepEqual(beginning, whole.subarray(0, beginning.length))
        assert.equal(read.at(-1)?.end ?? 0, end)
        assert.equal((await stat(path)).size, end)
      }),
      { numRuns: 300 },
    )
  })

  it('is read to its first mistake, whatever is in the file', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'log')
    const header = (text: string): Buffer => {
      const payload = Buffer.from(text)
      const prefix = Buffer.alloc(5, 0x48)
      prefix.writeUInt32BE(payload.length, 1)
      const sum = sha256(Buffer.concat([prefix, payload])).subarray(0, 8)
      return Buffer.concat([prefix, payload, sum])
    }
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      // A header whose checksum is right, but which is no JSON.
      fc.string().map(header),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        await writeFile(path, content)
        await readHeader(path)
        await readLog(path)
        await repairLog(path)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the upload sessions on disk (properties)', () => {
  const ID = '0b7c8c5e-64a8-4b3c-9d4e-2f6a1f6c0001'
  const info = { id: ID, name: parseName('app'), startedAt: 1000, algorithm: 'sha256' as const }

  it('are sessions of ours or none, whatever the files in their directory hold', async () => {
    await using directory = await temporaryDirectory()
    const store = await DiskUploadStore.open(directory.path, new MemoryBlocks())
    const header = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          id: fc.constantFrom(ID, '../x', ''),
          name: fc.oneof(fc.constantFrom('app', '../../etc', ''), fc.jsonValue()),
          startedAt: fc.oneof(fc.nat(), fc.jsonValue()),
          algorithm: fc.constantFrom('sha256', 'sha512', 'md5', null),
        },
        { requiredKeys: [] },
      ),
    )
    await fc.assert(
      fc.asyncProperty(header, log, fc.option(change), async (json, rest, damage) => {
        const whole = encodeRecords([{ type: 'header', json }, ...rest])
        await writeFile(join(directory.path, ID), damage === null ? whole : changed(whole, damage))
        for (const found of await store.list()) {
          assert.equal(found.id, ID)
          assert.equal(parseName(found.name), found.name)
        }
        const upload = await store.open(ID)
        if (upload === undefined) return
        const { size } = upload
        await upload.append(streamOf('more'))
        assert.equal(upload.size, size + 4)
        assert.equal((await store.open(ID))?.size, size + 4)
      }),
      { numRuns: 200 },
    )
  })

  it('lose at most what was being written when the power failed', async () => {
    await using directory = await temporaryDirectory()
    const store = await DiskUploadStore.open(directory.path, new MemoryBlocks())
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(), async (parts, cut) => {
        const upload = await store.create(info)
        const ends = [0]
        for (const part of parts) {
          await upload.append(streamOf(part))
          ends.push(upload.size)
        }
        const path = join(directory.path, ID)
        const first = (await readLog(path))[0]?.end ?? 0
        const { size } = await stat(path)
        await truncate(path, first + (cut % (size - first + 1)))
        const again = await store.open(ID)
        assert.ok(again !== undefined && ends.includes(again.size))
        const bytes = (await readLog(path)).flatMap(({ record: each }) =>
          each.type === 'bytes' ? [each.bytes] : [],
        )
        assert.deepEqual(Buffer.concat(bytes), Buffer.concat(parts).subarray(0, again.size))
        await again.discard()
        await assert.rejects(readFile(path), { code: 'ENOENT' })
      }),
      { numRuns: 100 },
    )
  })
})
