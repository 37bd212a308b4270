import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as dagPb from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { Key } from 'interface-datastore'
import { openDatastore } from '../../src/ipfs/datastore.ts'
import { openMfsRoot } from '../../src/ipfs/mfs-root.ts'
import { MemoryBlocks, randomBlock } from './nodes.ts'
import type { LevelDatastore } from 'datastore-level'

describe('the MFS root', () => {
  let directory: string
  let datastore: LevelDatastore
  let blocks: MemoryBlocks

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliport-mfs-'))
    datastore = await openDatastore(directory)
    blocks = new MemoryBlocks()
  })

  afterEach(async () => {
    await datastore.close()
    await rm(directory, { recursive: true })
  })

  /** A directory with one file. */
  async function makeDirectory(): Promise<CID> {
    const { cid, bytes } = await randomBlock(20)
    await blocks.put(cid, bytes)
    const Data = new UnixFS({ type: 'directory' }).marshal()
    const node = dagPb.encode(
      dagPb.prepare({ Data, Links: [{ Name: 'file', Hash: cid, Tsize: 20 }] }),
    )
    const directoryCid = CID.createV1(dagPb.code, await sha256.digest(node))
    await blocks.put(directoryCid, node)
    return directoryCid
  }

  async function links(root: CID): Promise<Record<string, string>> {
    const bytes = await blocks.get(root)
    assert.ok(bytes)
    return Object.fromEntries(
      dagPb.decode(bytes).Links.map(({ Name, Hash }) => [Name, Hash.toString()]),
    )
  }

  it('holds /docker and nothing else', async () => {
    const docker = await makeDirectory()
    const root = await openMfsRoot({ blocks, datastore }, docker)
    assert.deepEqual(await links(await root.root()), { docker: docker.toString() })
  })

  it('gives the same root for the same tree, whatever was there before', async () => {
    const [first, second] = [await makeDirectory(), await makeDirectory()]
    const root = await openMfsRoot({ blocks, datastore }, first)
    const before = await root.root()
    assert.notDeepEqual(await root.set(second), before)
    assert.deepEqual(await root.set(first), before)
  })

  it('is an empty directory without a tree', async () => {
    const root = await openMfsRoot({ blocks, datastore }, await makeDirectory())
    assert.deepEqual(await links(await root.set(undefined)), {})
  })

  it('keeps the root where Kubo keeps it', async () => {
    const root = await openMfsRoot({ blocks, datastore }, await makeDirectory())
    const stored = await datastore.get(new Key('/local/filesroot'))
    assert.deepEqual(CID.decode(stored), await root.root())
  })

  it('is set to the journal at start, even if what it held is gone or damaged', async () => {
    const docker = await makeDirectory()
    const expected = await (await openMfsRoot({ blocks, datastore }, docker)).root()
    blocks.blocks.delete(Buffer.from(expected.multihash.bytes).toString('hex'))
    await datastore.put(new Key('/local/filesroot'), new Uint8Array([1, 2, 3]))
    assert.deepEqual(await (await openMfsRoot({ blocks, datastore }, docker)).root(), expected)
    assert.deepEqual(await links(expected), { docker: docker.toString() })
  })

  it('keeps the root before when the new tree cannot be read', async () => {
    const root = await openMfsRoot({ blocks, datastore }, await makeDirectory())
    const before = await root.root()
    const { cid } = await randomBlock()
    await assert.rejects(root.set(cid), /is missing/)
    assert.deepEqual(await root.root(), before)
  })

  it('lets the last of many swaps at once win', async () => {
    const trees = await Promise.all(Array.from({ length: 20 }, makeDirectory))
    const root = await openMfsRoot({ blocks, datastore }, undefined)
    await Promise.all(trees.map((docker) => root.set(docker)))
    assert.deepEqual(await links(await root.root()), { docker: trees.at(-1)?.toString() })
  })
})
