import assert from 'node:assert/strict'
import { randomBytes, webcrypto } from 'node:crypto'
import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { DamagedBlockError } from '../../src/blocks/block-store.ts'
import { DAG_PB, RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { DiskBlockStore, SMALL_BLOCK_BYTES } from '../../src/blocks/disk-block-store.ts'
import { DataDirectoryInUseError, StateDb } from '../../src/blocks/state-db.ts'
import { temporaryDirectory } from '../support/temporary.ts'

interface Opened extends AsyncDisposable {
  store: DiskBlockStore
  state: StateDb
}

async function open(path: string): Promise<Opened> {
  const state = await StateDb.open(join(path, 'state'))
  const store = await DiskBlockStore.open(join(path, 'blocks'), state)
  const close = async (): Promise<void> => {
    await store.close()
    await state.close()
  }
  return { store, state, [Symbol.asyncDispose]: close }
}

function block(size: number): { cid: CID; bytes: Buffer } {
  const bytes = randomBytes(size)
  return { bytes, cid: cidFromHash(RAW, sha256(bytes)) }
}

function fileOf(path: string, cid: CID): string {
  const hash = Buffer.from(cid.multihash.digest).toString('hex')
  return join(path, 'blocks', hash.slice(0, 2), hash)
}

const read = async (store: DiskBlockStore, cid: CID): Promise<Buffer> =>
  Buffer.from((await store.get(cid)) ?? 'none')

describe('the block store', () => {
  for (const size of [0, 1, SMALL_BLOCK_BYTES, SMALL_BLOCK_BYTES + 1, 1 << 20]) {
    it(`gives back a block of ${size} bytes, also after a restart`, async () => {
      await using dir = await temporaryDirectory()
      const { cid, bytes } = block(size)
      {
        await using first = await open(dir.path)
        assert.equal(await first.store.get(cid), undefined)
        assert.equal(await first.store.has(cid), false)
        await first.store.put(cid, bytes)
        assert.deepEqual(Buffer.from((await first.store.get(cid)) ?? 'none'), bytes)
        await first.store.sync()
      }
      await using second = await open(dir.path)
      assert.deepEqual(Buffer.from((await second.store.get(cid)) ?? 'none'), bytes)
      assert.equal(await second.store.size(cid), size)
      const dagPb = cidFromHash(DAG_PB, cid.multihash.digest)
      assert.equal(
        await second.store.has(dagPb),
        true,
        'blocks are found by hash, whatever the codec',
      )
    })
  }

  it('tells a damaged block from a missing one, and mends it when it is put again (I3)', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    const { cid, bytes } = block(100_000)
    const path = fileOf(dir.path, cid)
    const flipped = Buffer.from(bytes)
    flipped.writeUInt8(flipped.readUInt8(50_000) ^ 1, 50_000)
    const damages: [string, () => Promise<void>][] = [
      ['emptied', () => truncate(path, 0)],
      ['cut', () => truncate(path, 99_999)],
      ['flipped', () => writeFile(path, flipped)],
    ]
    await opened.store.put(cid, bytes)
    for (const [what, damage] of damages) {
      await damage()
      await assert.rejects(opened.store.get(cid), DamagedBlockError, what)
      await opened.store.put(cid, bytes)
      assert.deepEqual(Buffer.from((await opened.store.get(cid)) ?? 'none'), bytes, what)
    }
    await rm(path)
    assert.equal(await opened.store.get(cid), undefined)
  })

  it('hashes a large block that it has, and is given again, on another thread', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    const { cid, bytes } = block(1 << 20)
    await opened.store.put(cid, bytes)
    const { subtle } = webcrypto
    let aside = 0
    const digest = subtle.digest.bind(subtle)
    subtle.digest = (...args): Promise<ArrayBuffer> => {
      aside++
      return digest(...args)
    }
    try {
      await opened.store.put(cid, bytes)
    } finally {
      Reflect.deleteProperty(subtle, 'digest')
    }
    assert.equal(aside, 1)
  })

  it('mends a damaged small block', async () => {
    await using dir = await temporaryDirectory()
    const { cid, bytes } = block(500)
    {
      await using opened = await open(dir.path)
      await opened.store.put(cid, bytes)
      await opened.store.sync()
      const key = Buffer.concat([Buffer.from('b/'), cid.multihash.digest])
      await opened.state.write([{ key, value: Buffer.from('rotten') }])
      assert.deepEqual(await read(opened.store, cid), bytes, 'what is in memory is whole')
    }
    {
      await using opened = await open(dir.path)
      await assert.rejects(opened.store.get(cid), DamagedBlockError)
      await opened.store.put(cid, bytes)
      assert.deepEqual(await read(opened.store, cid), bytes)
    }
    await using opened = await open(dir.path)
    assert.deepEqual(await read(opened.store, cid), bytes)
  })

  it('mends a damaged small block that it has in memory', async () => {
    await using dir = await temporaryDirectory()
    const { cid, bytes } = block(500)
    {
      await using opened = await open(dir.path)
      await opened.store.put(cid, bytes)
      await opened.store.sync()
      const key = Buffer.concat([Buffer.from('b/'), cid.multihash.digest])
      await opened.state.write([{ key, value: Buffer.from('rotten') }])
      await opened.store.put(cid, bytes)
    }
    await using opened = await open(dir.path)
    assert.deepEqual(await read(opened.store, cid), bytes)
  })

  it('says "could not read", never "not there", when the file system refuses (I3)', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    const { cid } = block(100_000)
    // A directory where the block's file should be: reading it is EISDIR, for root as well.
    await mkdir(fileOf(dir.path, cid))
    await assert.rejects(opened.store.get(cid), { code: 'EISDIR' })
  })

  it('survives many writers of the same block at once', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    for (const size of [300, 200_000]) {
      const { cid, bytes } = block(size)
      await Promise.all(Array.from({ length: 20 }, () => opened.store.put(cid, bytes)))
      assert.deepEqual(Buffer.from((await opened.store.get(cid)) ?? 'none'), bytes)
    }
  })

  it('leaves no temporary file when a write fails, and works again afterwards', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    const { cid, bytes } = block(100_000)
    const path = fileOf(dir.path, cid)
    await mkdir(path) // renaming a file over a directory fails
    await assert.rejects(opened.store.put(cid, bytes))
    assert.deepEqual(await readdir(join(path, '..')), [path.split('/').at(-1)])
    await rm(path, { recursive: true })
    await opened.store.put(cid, bytes)
    assert.ok(await opened.store.has(cid))
  })

  it('removes what a killed process left half written, and only that', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    const { cid, bytes } = block(100_000)
    await opened.store.put(cid, bytes)
    await writeFile(join(dir.path, 'blocks', 'aa', '.x.123-1.tmp'), 'half')
    assert.equal(await opened.store.removeLeftovers(), 1)
    assert.ok(await opened.store.get(cid))
  })

  it('stores only sha2-256 of raw and dag-pb', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    const cid = CID.createV1(RAW, identity.digest(Buffer.from('tiny')))
    assert.equal(await opened.store.get(cid), undefined)
    await assert.rejects(opened.store.put(cid, Buffer.from('tiny')), TypeError)
  })

  it('keeps blocks where only their owner can read them', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    const { cid, bytes } = block(100_000)
    await opened.store.put(cid, bytes)
    assert.equal((await stat(fileOf(dir.path, cid))).mode & 0o777, 0o600)
    assert.equal((await stat(join(dir.path, 'blocks'))).mode & 0o777, 0o700)
  })
})

describe('the state database', () => {
  it('belongs to one process at a time', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    assert.ok(opened)
    await assert.rejects(StateDb.open(join(dir.path, 'state')), DataDirectoryInUseError)
  })

  it('keeps the maps of its users apart', async () => {
    await using dir = await temporaryDirectory()
    await using opened = await open(dir.path)
    const a = opened.state.map('a')
    const b = opened.state.map('ab')
    await a.put('x/1', Buffer.from('one'))
    await a.put('y', Buffer.from('two'))
    await b.put('x/1', Buffer.from('other'))
    assert.equal(Buffer.from((await a.get('x/1')) ?? '').toString(), 'one')
    const keys = async (prefix?: string): Promise<string[]> =>
      (await Array.fromAsync(a.entries(prefix))).map(([key]) => key)
    assert.deepEqual(await keys(), ['x/1', 'y'])
    assert.deepEqual(await keys('x/'), ['x/1'])
    await a.delete('x/1')
    assert.deepEqual(await keys(), ['y'])
  })
})
