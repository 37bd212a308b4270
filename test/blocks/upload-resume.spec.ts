import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { appendFile, readFile, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { CHUNK_BYTES } from '../../src/blocks/chunking.ts'
import { readFile as readDagFile } from '../../src/blocks/file-reader.ts'
import { sha256 } from '../../src/blocks/cids.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseName } from '../../src/oci/name.ts'
import { CID } from 'multiformats/cid'
import { openDisk } from '../support/disk.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Upload } from '../../src/registry/ports.ts'
import type { Disk } from '../support/disk.ts'

const ID = '0b7c8c5e-64a8-4b3c-9d4e-2f6a1f6c0001'
const info = { id: ID, name: parseName('app'), startedAt: 1000, algorithm: 'sha256' as const }
const content = randomFillSync(Buffer.alloc(3 * CHUNK_BYTES + 500_000))

async function* pieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function reopen(disk: Disk): Promise<Upload> {
  const upload = await disk.uploads.open(ID)
  assert.ok(upload)
  return upload
}

async function finishAndRead(
  disk: Disk,
  upload: Upload,
  expected = digestOf(content),
): Promise<Buffer> {
  const stored = await upload.finish(expected)
  const source = new LocalBlocks(disk.blocks)
  return Buffer.concat(await Array.fromAsync(readDagFile(source, CID.parse(stored.id))))
}

describe('an upload session on disk', () => {
  for (const split of [0, 1, 400_000, CHUNK_BYTES, 2 * CHUNK_BYTES + 300_000, content.length]) {
    it(`goes on at byte ${split} after a restart`, async () => {
      await using dir = await temporaryDirectory()
      {
        await using disk = await openDisk(dir.path)
        const upload = await disk.uploads.create(info)
        await upload.append(pieces(content.subarray(0, split)))
        assert.equal(upload.size, split)
      }
      await using disk = await openDisk(dir.path)
      const upload = await reopen(disk)
      assert.equal(upload.size, split)
      assert.equal(upload.name, 'app')
      await upload.append(pieces(content.subarray(split)))
      assert.deepEqual(await finishAndRead(disk, upload), content)
    })
  }

  it('keeps what came before its source failed', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const upload = await disk.uploads.create(info)
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield content.subarray(0, CHUNK_BYTES + 10)
      throw new Error('the client went away')
    }
    await assert.rejects(upload.append(broken()), /went away/)
    assert.equal(upload.size, CHUNK_BYTES + 10)
    assert.equal((await reopen(disk)).size, CHUNK_BYTES + 10)
    await upload.append(pieces(content.subarray(CHUNK_BYTES + 10)))
    assert.deepEqual(await finishAndRead(disk, upload), content)
  })

  it('falls back to the first leaf that is missing or damaged, and goes on from there', async () => {
    for (const harm of ['missing', 'damaged']) {
      await using dir = await temporaryDirectory()
      await using disk = await openDisk(dir.path)
      const upload = await disk.uploads.create(info)
      await upload.append(pieces(content))
      const hash = Buffer.from(sha256(content.subarray(CHUNK_BYTES, 2 * CHUNK_BYTES))).toString(
        'hex',
      )
      const leaf = join(dir.path, 'blocks', hash.slice(0, 2), hash)
      if (harm === 'missing') await rm(leaf)
      else await truncate(leaf, 100)
      const again = await reopen(disk)
      assert.equal(again.size, CHUNK_BYTES, harm)
      await again.append(pieces(content.subarray(CHUNK_BYTES)))
      assert.deepEqual(await finishAndRead(disk, again), content, harm)
    }
  })

  it('ignores an entry of its log that was being written when the power failed', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const upload = await disk.uploads.create(info)
    await upload.append(pieces(content.subarray(0, 1000)))
    const log = join(dir.path, 'uploads', ID)
    const whole = (await stat(log)).size
    await upload.append(pieces(content.subarray(1000, 2000)))
    const full = await readFile(log)
    for (const cut of [whole + 1, whole + 6, full.length - 1]) {
      await truncate(log, cut)
      assert.equal((await reopen(disk)).size, 1000, `cut at ${cut}`)
      assert.equal((await stat(log)).size, whole)
      await appendFile(log, full.subarray(whole))
      assert.equal((await reopen(disk)).size, 2000)
    }
  })

  it('keeps a log that does not grow with the bytes it no longer needs', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const upload = await disk.uploads.create(info)
    const large = randomFillSync(Buffer.alloc(24 * CHUNK_BYTES + 700_000))
    // Chunks of a leaf and 2/3 leave much in the log that the next leaf makes useless.
    for (let at = 0; at < large.length; at += 1_700_000)
      await upload.append(pieces(large.subarray(at, at + 1_700_000)))
    const log = join(dir.path, 'uploads', ID)
    assert.ok((await stat(log)).size < 9.5 * CHUNK_BYTES, `${(await stat(log)).size} bytes`)
    assert.deepEqual(await finishAndRead(disk, await reopen(disk), digestOf(large)), large)
  })

  it('proves a sha512 with a second pass', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const upload = await disk.uploads.create(info)
    await upload.append(pieces(content))
    assert.deepEqual(await finishAndRead(disk, upload, digestOf(content, 'sha512')), content)
  })

  it('can be finished again after a wrong digest', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const upload = await disk.uploads.create(info)
    await upload.append(pieces(content))
    await assert.rejects(upload.finish(digestOf(Buffer.from('other'))), (error) =>
      isRegistryError(error, 'DIGEST_INVALID'),
    )
    assert.deepEqual(await finishAndRead(disk, upload), content)
  })

  it('takes no more than the limit, and keeps what was within it', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const upload = await disk.uploads.create(info)
    await assert.rejects(upload.append(pieces(content, 1000), { limit: 10_500 }), (error) =>
      isRegistryError(error, 'TOO_LARGE'),
    )
    assert.equal(upload.size, 10_000)
  })

  it('is gone once discarded, and unknown under any other id', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const upload = await disk.uploads.create(info)
    assert.deepEqual(
      (await disk.uploads.list()).map(({ id }) => id),
      [ID],
    )
    await upload.discard()
    await upload.discard()
    assert.equal(await disk.uploads.open(ID), undefined)
    for (const id of ['../../etc/passwd', '..', '', 'a/b', '\0', 'x'.repeat(300)]) {
      assert.equal(await disk.uploads.open(id), undefined)
    }
  })
})
