import assert from 'node:assert/strict'
import * as dagPb from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { DAG_PB, RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { NodeFormatError, decodeNode } from '../../src/blocks/nodes.ts'
import { advanceTree } from '../../src/tree/advance.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { TreeSource } from '../../src/tree/source.ts'
import { RootView } from '../../src/tree/view.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import type { PBLink } from '@ipld/dag-pb'

interface Block {
  cid: CID
  bytes: Uint8Array
}

function pb(unixfs: UnixFS, links: PBLink[]): Block {
  const bytes = dagPb.encode(dagPb.prepare({ Data: unixfs.marshal(), Links: links }))
  return { bytes, cid: cidFromHash(DAG_PB, sha256(bytes)) }
}

function shard(fanout: bigint | undefined, links: PBLink[]): Block {
  const options = fanout === undefined ? {} : { fanout }
  return pb(new UnixFS({ type: 'hamt-sharded-directory', hashType: 0x22n, ...options }), links)
}

const leaf: Block = { bytes: Buffer.from('x'), cid: cidFromHash(RAW, sha256(Buffer.from('x'))) }
const sha1 = CID.createV1(RAW, create(0x11, new Uint8Array(20)))
const identity = CID.createV1(RAW, create(0x00, new Uint8Array(4)))
const short = CID.createV1(RAW, create(0x12, new Uint8Array(4)))
const cbor = CID.createV1(0x71, create(0x12, new Uint8Array(32)))

const refusedNodes: [string, Block][] = [
  ['a HAMT of fanout 0 (the stock walker never returns)', shard(0n, [])],
  ['a HAMT of fanout 1', shard(1n, [])],
  ['a HAMT of fanout 2', shard(2n, [])],
  ['a HAMT of fanout 3', shard(3n, [])],
  ['a HAMT of fanout 24', shard(24n, [])],
  ['a HAMT of fanout 2048', shard(2048n, [])],
  ['a HAMT of fanout 2^40', shard(1n << 40n, [])],
  ['a HAMT without a fanout', shard(undefined, [])],
  ['a HAMT link without a slot', shard(256n, [{ Name: 'x', Hash: leaf.cid, Tsize: 1 }])],
  [
    'a HAMT link with a slot in lower case',
    shard(256n, [{ Name: 'abx', Hash: leaf.cid, Tsize: 1 }]),
  ],
  ['a HAMT link with no name', shard(256n, [{ Name: '', Hash: leaf.cid, Tsize: 1 }])],
  ['a symlink', pb(new UnixFS({ type: 'symlink', data: Buffer.from('/etc/passwd') }), [])],
  ['metadata', pb(new UnixFS({ type: 'metadata' }), [])],
  ['a link by sha1', pb(new UnixFS({ type: 'directory' }), [{ Name: 'a', Hash: sha1, Tsize: 1 }])],
  [
    'a link by identity',
    pb(new UnixFS({ type: 'directory' }), [{ Name: 'a', Hash: identity, Tsize: 1 }]),
  ],
  [
    'a link with a cut hash',
    pb(new UnixFS({ type: 'directory' }), [{ Name: 'a', Hash: short, Tsize: 1 }]),
  ],
  [
    'a link to dag-cbor',
    pb(new UnixFS({ type: 'directory' }), [{ Name: 'a', Hash: cbor, Tsize: 1 }]),
  ],
  [
    'a node that is no protobuf',
    { cid: cidFromHash(DAG_PB, new Uint8Array(32)), bytes: Buffer.from('no such thing') },
  ],
  ['a block over 2 MiB', { cid: leaf.cid, bytes: new Uint8Array(2 * 1024 * 1024 + 1) }],
]

async function viewOf(root: Block, others: Block[] = []): Promise<RootView> {
  const blocks = new MemoryBlocks()
  for (const { cid, bytes } of [leaf, root, ...others]) await blocks.put(cid, bytes)
  return new RootView(root.cid, new DirectoryReader(new LocalBlocks(blocks), new NodeCache()))
}

describe('a hostile tree', () => {
  for (const [what, { cid, bytes }] of refusedNodes) {
    it(`is refused at once: ${what}`, () => {
      assert.throws(() => decodeNode(cid, bytes), NodeFormatError)
    })
  }

  it('is refused for what is no UnixFS at all', () => {
    const bytes = dagPb.encode({ Links: [] })
    assert.throws(() => decodeNode(cidFromHash(DAG_PB, sha256(bytes)), bytes), NodeFormatError)
  })

  it('ends when a HAMT is deeper than any hash, in lookups and listings', async () => {
    const chain: Block[] = [shard(256n, [{ Name: '00', Hash: leaf.cid, Tsize: 1 }])]
    // Every slot leads on, so that any name follows the chain.
    for (let level = 0; level < 40; level++) {
      const next = chain.at(-1)!.cid
      const links = Array.from({ length: 256 }, (_, i) => ({
        Name: i.toString(16).toUpperCase().padStart(2, '0'),
        Hash: next,
        Tsize: 1,
      }))
      chain.push(shard(256n, links))
    }
    const view = await viewOf(chain.at(-1)!, chain)
    await assert.rejects(view.file(['anything']), /more than 8 levels/)
    await assert.rejects(view.names([]), /more than 8 levels/)
  })

  it('ends when a HAMT of 256 equal children declares more entries than we list', async () => {
    const names = Array.from({ length: 256 }, (_, i) =>
      i.toString(16).toUpperCase().padStart(2, '0'),
    )
    const chain = [
      shard(
        256n,
        names.map((slot) => ({ Name: `${slot}n`, Hash: leaf.cid, Tsize: 1 })),
      ),
    ]
    for (let level = 0; level < 3; level++) {
      chain.push(
        shard(
          256n,
          names.map((Name) => ({ Name, Hash: chain.at(-1)!.cid, Tsize: 1 })),
        ),
      )
    }
    const view = await viewOf(chain.at(-1)!, chain)
    await assert.rejects(view.names([]), /too many entries/)
  })

  it('does not hold the event loop: a catalog of endless names ends at its deadline', async () => {
    // Sixty levels of thirty names for the same directory: 30^60 names, all answered from the cache.
    const chain = [pb(new UnixFS({ type: 'directory' }), [])]
    for (let level = 0; level < 60; level++) {
      const links = Array.from({ length: 30 }, (_, i) => ({
        Name: `n${i}`,
        Hash: chain.at(-1)!.cid,
        Tsize: 1,
      }))
      chain.push(pb(new UnixFS({ type: 'directory' }), links))
    }
    let top = chain.at(-1)!
    for (const name of ['repositories', 'v2', 'registry', 'docker']) {
      top = pb(new UnixFS({ type: 'directory' }), [{ Name: name, Hash: top.cid, Tsize: 1 }])
      chain.push(top)
    }
    const blocks = new MemoryBlocks()
    for (const { cid, bytes } of chain) await blocks.put(cid, bytes)
    const directories = new DirectoryReader(new LocalBlocks(blocks), new NodeCache())
    const reader = new TreeSource('evil', () => top.cid, directories).reader()
    await assert.rejects(reader!.repositories({ signal: AbortSignal.timeout(300) }), {
      name: 'TimeoutError',
    })
  })

  it('does not hold a mirror that moves to it: endless names across shapes end at a limit', async () => {
    const every = (Hash: CID) =>
      Array.from({ length: 256 }, (_, i) => ({
        Name: i.toString(16).toUpperCase().padStart(2, '0'),
        Hash,
        Tsize: 1,
      }))
    const chain = [
      shard(
        256n,
        every(leaf.cid).map((link) => ({ ...link, Name: `${link.Name}x` })),
      ),
    ]
    for (let level = 0; level < 7; level++) chain.push(shard(256n, every(chain.at(-1)!.cid)))
    const flat = pb(new UnixFS({ type: 'directory' }), [{ Name: 'a', Hash: leaf.cid, Tsize: 1 }])
    const blocks = new MemoryBlocks()
    for (const { cid, bytes } of [leaf, flat, ...chain]) await blocks.put(cid, bytes)
    const reader = new DirectoryReader(new LocalBlocks(blocks), new NodeCache())
    const isKept = (cid: CID): Promise<boolean> => blocks.has(cid)
    await assert.rejects(
      advanceTree({ reader, isKept }, chain.at(-1)!.cid, flat.cid),
      /too many entries|too much/,
    )
  })

  it('is refused before it is decoded when it has more links than any tree needs', () => {
    // A link of no bytes at all is `12 00`: a million of them fit into a block.
    const bytes = Buffer.alloc(2_000_000)
    for (let at = 0; at < bytes.length; at += 2) bytes.writeUInt8(0x12, at)
    assert.throws(() => decodeNode(cidFromHash(DAG_PB, sha256(bytes)), bytes), /too many links/)
  })

  it('is refused when the fanout changes on the way down, or a file stands where a directory should', async () => {
    const below = shard(16n, [])
    const every = Array.from({ length: 256 }, (_, i) => ({
      Name: i.toString(16).toUpperCase().padStart(2, '0'),
      Hash: below.cid,
      Tsize: 1,
    }))
    const changing = await viewOf(shard(256n, every), [below])
    await assert.rejects(changing.file(['x']), /fanout changes/)
    const flat = await viewOf(
      pb(new UnixFS({ type: 'directory' }), [{ Name: 'docker', Hash: leaf.cid, Tsize: 1 }]),
    )
    await assert.rejects(flat.file(['docker', 'registry']), NodeFormatError)
    const file = await viewOf(leaf)
    await assert.rejects(file.names([]), NodeFormatError)
  })

  it('does not confuse names with those of every object', async () => {
    const view = await viewOf(pb(new UnixFS({ type: 'directory' }), []))
    for (const name of ['__proto__', 'constructor', 'toString', '..', '.']) {
      assert.equal(await view.file([name]), undefined)
    }
  })
})
