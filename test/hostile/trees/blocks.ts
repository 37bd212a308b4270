import { CID } from 'multiformats/cid'
import { DAG_PB, RAW, cidFromHash, sha256 } from '../../../src/blocks/cids.ts'
import { bytesField, countField } from './protobuf.ts'
import type { Count } from './protobuf.ts'

/** Blocks by multihash, as a peer has them, with every liberty that a hostile one takes. */
export class Blocks {
  readonly #blocks = new Map<string, Uint8Array>()

  /** Keeps a block that is what its CID says. */
  put(codec: typeof RAW | typeof DAG_PB, bytes: Uint8Array): CID {
    const cid = cidFromHash(codec, sha256(bytes))
    this.#blocks.set(keyOf(cid), bytes)
    return cid
  }

  /** Gives these bytes out for a CID, whatever it says. */
  putUnder(cid: CID, bytes: Uint8Array): void {
    this.#blocks.set(keyOf(cid), bytes)
  }

  get(cid: CID): Uint8Array | undefined {
    return this.#blocks.get(keyOf(cid))
  }

  delete(cid: CID): void {
    this.#blocks.delete(keyOf(cid))
  }

  /** All CIDs (raw ones), in the order in which they were put. */
  *cids(): Generator<CID> {
    for (const key of this.#blocks.keys()) yield CID.createV1(RAW, multihashOf(key))
  }

  get size(): number {
    return this.#blocks.size
  }
}

function keyOf(cid: CID): string {
  return Buffer.from(cid.multihash.bytes).toString('base64')
}

function multihashOf(key: string): CID['multihash'] {
  return CID.decode(Buffer.concat([Buffer.from([1, RAW]), Buffer.from(key, 'base64')])).multihash
}

/** Something that was drawn: where it is, and what a link says of its size. */
export interface Made {
  readonly cid: CID
  /** Bytes below, as the link says (`Tsize`); left out when `undefined`. */
  readonly tsize: Count | undefined
  /** Bytes of the file in it; none of a directory. */
  readonly size: Count
}

/** A link as it is written, rightly or not. */
export interface Link {
  /** Bytes where it is no UTF-8; left out when `undefined`. */
  readonly name?: string | Uint8Array
  readonly cid: CID
  readonly tsize?: Count | undefined
}

/** The `Type` of UnixFS. */
export const TYPE = { raw: 0, directory: 1, file: 2, metadata: 3, symlink: 4, shard: 5 } as const

/** The message in a node's `Data`, field by field (UnixFS spec). */
export interface UnixFsFields {
  readonly type: number
  readonly data?: Uint8Array
  readonly filesize?: Count
  readonly blocksizes?: readonly Count[]
  readonly hashType?: Count
  readonly fanout?: Count
}

export function unixFs({
  type,
  data,
  filesize,
  blocksizes,
  hashType,
  fanout,
}: UnixFsFields): Buffer {
  return Buffer.concat([
    countField(1, type),
    ...(data === undefined ? [] : [bytesField(2, data)]),
    ...(filesize === undefined ? [] : [countField(3, filesize)]),
    ...(blocksizes ?? []).map((size) => countField(4, size)),
    ...(hashType === undefined ? [] : [countField(5, hashType)]),
    ...(fanout === undefined ? [] : [countField(6, fanout)]),
  ])
}

/** A dag-pb block, without any of the checks that an honest encoder makes. */
export function dagPbBytes(links: readonly Link[], data?: Uint8Array): Buffer {
  let last: Link | undefined
  let bytes: Buffer = Buffer.alloc(0)
  const encoded = links.map((link) => {
    // Bombs are the same link, a thousand times.
    if (!isSame(link, last)) bytes = linkBytes(link)
    last = link
    return bytes
  })
  return Buffer.concat([...encoded, ...(data === undefined ? [] : [bytesField(1, data)])])
}

function linkBytes({ name, cid, tsize }: Link): Buffer {
  return bytesField(
    2,
    Buffer.concat([
      bytesField(1, cid.bytes),
      ...(name === undefined ? [] : [bytesField(2, Buffer.from(name))]),
      ...(tsize === undefined ? [] : [countField(3, tsize)]),
    ]),
  )
}

function isSame(a: Link, b: Link | undefined): boolean {
  return a.cid === b?.cid && a.name === b.name && a.tsize === b.tsize
}

/** Puts a node of that kind, whose links are counted as they say. */
export function putNode(blocks: Blocks, links: readonly Link[], fields: UnixFsFields): Made {
  const bytes = dagPbBytes(links, unixFs(fields))
  const cid = blocks.put(DAG_PB, bytes)
  const below = links.reduce((sum, { tsize }) => sum + Number(tsize ?? 0), 0)
  const tsize = Math.min(bytes.length + below, Number.MAX_SAFE_INTEGER)
  return { cid, tsize, size: fields.filesize ?? 0 }
}

/** Puts a raw block. */
export function putRaw(blocks: Blocks, bytes: Uint8Array): Made {
  return { cid: blocks.put(RAW, bytes), tsize: bytes.length, size: bytes.length }
}
