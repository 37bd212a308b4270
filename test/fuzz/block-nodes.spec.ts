import assert from 'node:assert/strict'
import * as dagPb from '@ipld/dag-pb'
import fc from 'fast-check'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { LIMITS } from '../../src/blocks/chunking.ts'
import { DAG_PB, RAW, cidFromHash, isSupported, sha256 } from '../../src/blocks/cids.ts'
import {
  NodeFormatError,
  decodeNode,
  encodeDirectory,
  encodeFileNode,
  encodeShard,
} from '../../src/blocks/nodes.ts'
import { decodeLink, digestOfData, encodeLink, layout } from '../../src/tree/layout.ts'
import { digestFromBytes, tryParseDigest } from '../../src/oci/digest.ts'
import { readUnixFs } from '../../src/blocks/unixfs-data.ts'
import { bounded, isA, outcome } from './properties.ts'
import type { NamedEntry, Node } from '../../src/blocks/nodes.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const cid = fc
  .tuple(fc.constantFrom<0x55 | 0x70>(RAW, DAG_PB), hash)
  .map(([codec, digest]) => cidFromHash(codec, digest))
/** CIDs of every kind, most of which are never read. */
const anyCid = fc.oneof(
  { weight: 5, arbitrary: cid },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom(RAW, DAG_PB, 0x71, 0),
        fc.constantFrom(0, 0x11, 0x12, 0x13),
        fc.uint8Array({ maxLength: 64 }),
      )
      .map(([codec, code, digest]) => CID.createV1(codec, create(code, digest))),
  },
)
const name = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('', '..', '__proto__', 'link', 'data', '00', 'FFx'),
)
const count = fc.oneof(fc.nat(2 ** 21), fc.maxSafeNat())

const unixfs = fc
  .record({
    type: fc.constantFrom(
      'raw',
      'directory',
      'file',
      'metadata',
      'symlink',
      'hamt-sharded-directory',
    ),
    data: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
    blockSizes: fc.array(fc.bigInt(0n, 2n ** 63n - 1n), { maxLength: 4 }),
    fanout: fc.constantFrom(0n, 1n, 7n, 8n, 16n, 24n, 256n, 1024n, 2048n, 2n ** 40n),
    hashType: fc.constantFrom(0x22n, 0n),
  })
  .map((fields) => new UnixFS(fields as ConstructorParameters<typeof UnixFS>[0]).marshal())

/** Blocks that are nearly nodes. */
const structured = fc
  .record({
    data: fc.oneof({ weight: 6, arbitrary: unixfs }, fc.uint8Array({ maxLength: 40 })),
    links: fc.array(fc.record({ Name: name, Hash: anyCid, Tsize: count }), { maxLength: 5 }),
  })
  .map(({ data, links }) => dagPb.encode(dagPb.prepare({ Data: data, Links: links })))

/** The same with a byte changed, or cut off. */
const damaged = fc
  .tuple(structured, fc.nat(), fc.nat(255), fc.boolean())
  .map(([bytes, at, value, cut]) => {
    const copy = Uint8Array.from(bytes)
    if (cut) return copy.subarray(0, at % (copy.length + 1))
    if (copy.length > 0) copy[at % copy.length] = value
    return copy
  })

const blocks = fc.oneof(structured, damaged, fc.uint8Array({ maxLength: 300 }))

/** A number that is exact, or that it is too large to be. */
function exact(value: number): number | string {
  return Number.isSafeInteger(value) ? value : 'large'
}

function listed(entries: readonly NamedEntry[]): string[] {
  return entries.map((entry) => `${entry.name}\0${entry.cid}\0${entry.treeSize}`).toSorted()
}

function decoded(bytes: Uint8Array): Node | undefined {
  const own = cidFromHash(DAG_PB, sha256(bytes))
  return outcome(() => decodeNode(own, bytes), isA(NodeFormatError))
}

describe('the decoder of nodes (properties)', () => {
  it('gives a node in which everything holds, or throws NodeFormatError, whatever the block', () => {
    fc.assert(
      fc.property(blocks, (bytes) => {
        const node = decoded(bytes)
        if (node === undefined) return
        if (node.kind === 'leaf') assert.equal(node.size, node.bytes.length)
        else if (node.kind === 'file') {
          assert.ok(node.parts.every((part) => part.size > 0 && isSupported(part.cid)))
          assert.equal(
            node.size,
            node.parts.reduce((sum, part) => sum + part.size, 0),
          )
          assert.ok(Number.isSafeInteger(node.size))
        } else {
          assert.ok(node.entries.every((entry) => isSupported(entry.cid)))
          assert.ok(node.entries.every((entry) => typeof entry.name === 'string'))
          if (node.kind === 'shard')
            assert.ok([8, 16, 32, 64, 128, 256, 512, 1024].includes(node.fanout))
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('refuses a block under a CID of a kind that is not read, before it looks at it', () => {
    fc.assert(
      fc.property(anyCid, fc.uint8Array(), (id, bytes) => {
        const node = outcome(() => decodeNode(id, bytes), isA(NodeFormatError))
        if (!isSupported(id)) assert.equal(node, undefined)
        else if (id.code === RAW)
          assert.deepEqual(node, { kind: 'leaf', bytes, size: bytes.length })
      }),
    )
  })

  it('reads back what the encoders make', () => {
    const entries = fc.uniqueArray(fc.record({ name, cid, treeSize: count }), {
      selector: (entry) => entry.name,
      maxLength: 30,
    })
    fc.assert(
      fc.property(entries, (list) => {
        const { cid: id, bytes } = encodeDirectory(list)
        const node = decodeNode(id, bytes)
        assert.equal(node.kind, 'directory')
        assert.deepEqual(node.kind === 'directory' && listed(node.entries), listed(list))
      }),
    )
    const parts = fc.array(
      fc.record({ cid, size: fc.integer({ min: 1, max: 2 ** 40 }), treeSize: count }),
      { minLength: 1 },
    )
    fc.assert(
      fc.property(parts, (list) => {
        const { cid: id, bytes } = encodeFileNode(list)
        const node = decodeNode(id, bytes)
        assert.deepEqual(
          node.kind === 'file' && node.parts,
          list.map(({ cid: at, size }) => ({ cid: at, size })),
        )
      }),
    )
    const slots = fc
      .uniqueArray(fc.nat(255), { maxLength: 20 })
      .map((all) => all.toSorted((a, b) => a - b))
    fc.assert(
      fc.property(slots, fc.array(name), fc.uint8Array({ maxLength: 32 }), (list, names, bits) => {
        const target = cidFromHash(RAW, sha256(bits))
        const shard = list.map((slot, n) => ({
          name: slot.toString(16).toUpperCase().padStart(2, '0') + (names[n] ?? ''),
          cid: target,
          treeSize: n,
        }))
        const { cid: id, bytes } = encodeShard(shard, bits)
        const node = decodeNode(id, bytes)
        assert.deepEqual(
          node.kind === 'shard' && node.entries.map((entry) => entry.name),
          shard.map((entry) => entry.name),
        )
      }),
    )
  })

  it('reads UnixFS as the reference does, or refuses it', () => {
    const message = fc
      .tuple(unixfs, fc.option(fc.tuple(fc.nat(), fc.nat(255)), { nil: undefined, freq: 2 }))
      .map(([bytes, change]) => {
        const copy = Uint8Array.from(bytes)
        if (change !== undefined) copy[change[0] % copy.length] = change[1]
        return { bytes: copy, isWhole: change === undefined }
      })
    fc.assert(
      fc.property(message, ({ bytes, isWhole }) => {
        const ours = outcome(
          () => readUnixFs(bytes),
          () => !isWhole,
        )
        // The reference loses its place in numbers that are longer than they need be, as a change can make them.
        if (ours === undefined || !isWhole) return
        const theirs = UnixFS.unmarshal(bytes)
        assert.equal(ours.type, theirs.type)
        assert.deepEqual(Buffer.from(ours.data), Buffer.from(theirs.data ?? []))
        assert.deepEqual(ours.blockSizes.map(exact), theirs.blockSizes.map(Number).map(exact))
        assert.equal(ours.fanout, theirs.fanout === undefined ? undefined : Number(theirs.fanout))
      }),
      { numRuns: 2000 },
    )
  })

  it('costs little, however a block of 2 MiB is made', () => {
    const pattern = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 12 }),
      // Fields of both messages without content, unknown ones of every wire type, and groups in groups.
      fc
        .constantFrom(
          [0x12, 0],
          [0x20, 1],
          [0x4d, 0, 0, 0, 0],
          [0x49, 0, 0, 0, 0, 0, 0, 0, 0],
          [0x4b],
          [0x4b, 0x4c],
        )
        .map((bytes) => Uint8Array.from(bytes)),
    )
    fc.assert(
      fc.property(pattern, pattern, fc.boolean(), (first, rest, inData) => {
        const body = Buffer.concat([first, Buffer.alloc(LIMITS.blockBytes - 100, rest)])
        const bytes = inData ? dagPb.encode({ Data: body, Links: [] }) : body
        bounded(() => decoded(bytes.subarray(0, LIMITS.blockBytes)))
      }),
      { numRuns: 40 },
    )
  })

  it('does not let a field of another kind hide a million of others from its count', () => {
    const hiding = [
      [0x49, 0, 0x12, 0xff, 0xff, 0xff, 0x7f, 0, 0],
      [0x4d, 0, 0x12, 0xff, 0xff, 0x7f],
      [0x22, 0xff, 0xff, 0xff, 0x7f],
      [0x4b, 0x4c],
    ]
    for (const bytes of hiding) {
      const rest = Buffer.alloc(LIMITS.blockBytes - 100, Buffer.from([0x20, 1]))
      const block = dagPb.encode({
        Data: Buffer.concat([Buffer.from([8, 2, ...bytes]), rest]),
        Links: [],
      })
      assert.equal(
        bounded(() => decoded(block), 100),
        undefined,
      )
    }
  })
})

describe('the parsers of the tree (properties)', () => {
  const digest = fc
    .tuple(
      fc.constantFrom<'sha256' | 'sha512'>('sha256', 'sha512'),
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
    )
    .map(([algorithm, bytes]) =>
      digestFromBytes(algorithm, algorithm === 'sha256' ? bytes.subarray(0, 32) : bytes),
    )

  it('a link file holds a digest, or is none', () => {
    fc.assert(fc.property(digest, (each) => assert.equal(decodeLink(encodeLink(each)), each)))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.string().map((text) => Buffer.from(`sha256:${text}`)),
        ),
        (bytes) => {
          const link = decodeLink(bytes)
          if (link !== undefined) assert.equal(tryParseDigest(link), link)
        },
      ),
    )
  })

  it('only the path of a blob’s data claims its digest', () => {
    fc.assert(
      fc.property(digest, (each) => assert.equal(digestOfData(layout.blobData(each)), each)),
    )
    const segment = fc.oneof(
      fc.constantFrom('docker', 'registry', 'v2', 'blobs', 'sha256', 'data', 'aa', 'a'.repeat(64)),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 9 }), (path) => {
        const claimed = digestOfData(path)
        if (claimed !== undefined) assert.deepEqual(path, layout.blobData(claimed))
      }),
    )
  })
})
