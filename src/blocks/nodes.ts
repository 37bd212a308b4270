import * as dagPb from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { varint } from 'multiformats'
import { HAMT_FANOUT, HAMT_HASH_CODE, LIMITS } from './chunking.ts'
import { DAG_PB, RAW, cidFromHash, isSupported, sha256 } from './cids.ts'
import { encodePbNode } from './pb-node.ts'
import { readUnixFs } from './unixfs-data.ts'
import type { PBLink } from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import type { UnixFsData } from './unixfs-data.ts'

/** A link to something below: where it is, and how many bytes hang there in all (IPFS calls it Tsize). */
export interface Entry {
  readonly cid: CID
  readonly treeSize: number
}

/** A part of a file: a leaf or a smaller tree, with the number of file bytes in it. */
export interface FilePart {
  readonly cid: CID
  readonly size: number
}

/** A directory entry as its node lists it. */
export interface NamedEntry extends Entry {
  readonly name: string
}

/** What a block says it is, after everything in it has been checked. */
export type Node =
  | { readonly kind: 'leaf'; readonly bytes: Uint8Array; readonly size: number }
  | { readonly kind: 'file'; readonly parts: readonly FilePart[]; readonly size: number }
  | { readonly kind: 'directory'; readonly entries: readonly NamedEntry[] }
  | { readonly kind: 'shard'; readonly fanout: number; readonly entries: readonly NamedEntry[] }

/** A block that is intact, but is no node we accept: the tree it is from is broken or hostile. */
export class NodeFormatError extends Error {
  static override readonly name = 'NodeFormatError'
  override readonly name = 'NodeFormatError'

  constructor(cid: CID, what: string, options?: ErrorOptions) {
    super(`node ${cid}: ${what}`, options)
  }
}

/**
 * Reads a block as a UnixFS node, refusing whatever the rules of DESIGN §6 do not allow. `bytes` must have been checked
 * against `cid` before. The order matters: cheap refusals first, since the block may be made to be slow.
 *
 * @throws NodeFormatError
 */
export function decodeNode(cid: CID, bytes: Uint8Array): Node {
  if (!isSupported(cid))
    throw new NodeFormatError(cid, 'only raw and dag-pb with sha2-256 are read')
  if (bytes.length > LIMITS.blockBytes)
    throw new NodeFormatError(cid, `${bytes.length} bytes are too many for a block`)
  if (cid.code === RAW) return { kind: 'leaf', bytes, size: bytes.length }
  const { links, unixfs } = decodePb(cid, bytes)
  switch (unixfs.type) {
    case 'raw':
    case 'file':
      return fileNode(cid, links, unixfs)
    case 'directory':
      return {
        kind: 'directory',
        entries: links.map((link) => namedEntry(cid, link, link.Name ?? '')),
      }
    case 'hamt-sharded-directory':
      return shardNode(cid, links, unixfs)
    default:
      throw new NodeFormatError(cid, `a UnixFS ${unixfs.type} has no place in a registry tree`)
  }
}

function decodePb(cid: CID, bytes: Uint8Array): { links: PBLink[]; unixfs: UnixFsData } {
  try {
    refuseManyLinks(bytes)
    const { Data, Links } = dagPb.decode(bytes)
    if (Data === undefined) throw new Error('no UnixFS data')
    return { links: Links, unixfs: readUnixFs(Data) }
  } catch (cause) {
    // Both decoders throw plain Errors of many shapes for malformed protobuf; there is nothing else they can throw.
    throw new NodeFormatError(
      cid,
      cause instanceof Error ? cause.message : 'not a dag-pb UnixFS node',
      { cause },
    )
  }
}

/**
 * Counts the fields of a dag-pb node without decoding it: a block of 2 MiB can hold a million empty links, and decoding
 * those would hold the event loop for a second (measured).
 */
function refuseManyLinks(message: Uint8Array): void {
  let fields = 0
  for (let at = 0; at < message.length;) {
    if (++fields > LIMITS.links + 1) throw new Error('too many links')
    const tag = readVarint(message, at)
    const value = readVarint(message, tag.end)
    // Only fields with a length (wire type 2) occur; the decoder refuses all others, with a better word.
    at = (tag.value & 7) === 2 ? value.end + value.value : value.end
  }
}

function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * 2 ** (7 * (at - start))
    if (byte < 0x80) return { value, end: at + 1 }
  }
  return { value: 0, end: bytes.length } // cut short, which the decoder will say
}

function fileNode(cid: CID, links: PBLink[], unixfs: UnixFsData): Node {
  const { data } = unixfs
  if (links.length === 0) {
    if (unixfs.blockSizes.length > 0) throw new NodeFormatError(cid, 'block sizes without links')
    return { kind: 'leaf', bytes: data, size: data.length }
  }
  if (data.length > 0) throw new NodeFormatError(cid, 'an inner node with data of its own')
  if (unixfs.blockSizes.length !== links.length) {
    throw new NodeFormatError(
      cid,
      `${links.length} links but ${unixfs.blockSizes.length} block sizes`,
    )
  }
  const parts = links.map((link, i) => filePart(cid, link, unixfs.blockSizes[i]))
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (!Number.isSafeInteger(size)) throw new NodeFormatError(cid, 'the file is too large to count')
  return { kind: 'file', parts, size }
}

function filePart(cid: CID, link: PBLink, size: number | undefined): FilePart {
  if (!isSupported(link.Hash))
    throw new NodeFormatError(cid, `a link to ${link.Hash}, which we do not read`)
  // A part of zero bytes is never needed, and many of them are a way to make a reader work for nothing.
  if (size === undefined || size <= 0 || !Number.isSafeInteger(size)) {
    throw new NodeFormatError(cid, `a part of ${size} bytes`)
  }
  return { cid: link.Hash, size }
}

function shardNode(cid: CID, links: PBLink[], unixfs: UnixFsData): Node {
  const { fanout = 0 } = unixfs
  // A fanout of 0 or 1 sends the stock path walker into an endless loop (measured); the UnixFS spec allows powers of
  // two, multiples of 8, up to 1024.
  if (!Number.isInteger(fanout) || fanout < 8 || fanout > 1024 || (fanout & (fanout - 1)) !== 0) {
    throw new NodeFormatError(cid, `a HAMT of fanout ${fanout}`)
  }
  if (links.length > fanout)
    throw new NodeFormatError(cid, `${links.length} links in ${fanout} slots`)
  const digits = prefixLength(fanout)
  const entries = links.map((link) => {
    const prefix = (link.Name ?? '').slice(0, digits)
    if (prefix.length !== digits || !/^[0-9A-F]+$/.test(prefix) || parseInt(prefix, 16) >= fanout) {
      throw new NodeFormatError(cid, 'a HAMT link without its slot number')
    }
    return namedEntry(cid, link, link.Name ?? '')
  })
  return { kind: 'shard', fanout, entries }
}

function namedEntry(cid: CID, link: PBLink, name: string): NamedEntry {
  if (!isSupported(link.Hash))
    throw new NodeFormatError(cid, `a link to ${link.Hash}, which we do not read`)
  return { name, cid: link.Hash, treeSize: link.Tsize ?? 0 }
}

/** Hex digits of the slot number before each name in a HAMT node. */
export function prefixLength(fanout: number): number {
  return (fanout - 1).toString(16).length
}

/** A node made here: its block, how to link to it, and what {@link decodeNode} would make of it. */
export interface MadeNode extends Entry {
  readonly bytes: Uint8Array
  readonly node: Node
}

/** Makes an inner node of a file. */
export function encodeFileNode(parts: readonly (FilePart & Entry)[]): MadeNode {
  return encode(
    encodeFileData(parts.map((part) => part.size)),
    parts.map((part) => ({ name: '', cid: part.cid, treeSize: part.treeSize })),
    { kind: 'file', parts, size: parts.reduce((sum, part) => sum + part.size, 0) },
  )
}

/**
 * UnixFS `Data` of an inner node of a file: `Type` 2, `filesize`, and the `blocksizes` of its parts.
 *
 * Written here, because protons-runtime (up to 8.0.1) writes 64-bit numbers from 2^31 to 2^32 - 1 as zero bytes, so
 * that ipfs-unixfs makes an unreadable node for a file from 2 to 4 GiB. It reads such numbers rightly.
 */
function encodeFileData(sizes: readonly number[]): Uint8Array {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const fields = [[0x08, 2], [0x18, total], ...sizes.map((size) => [0x20, size] as const)] as const
  return Buffer.concat(
    fields.map(([key, value]) => {
      const field = Buffer.alloc(1 + varint.encodingLength(value), key)
      varint.encodeTo(value, field, 1)
      return field
    }),
  )
}

const DIRECTORY = new UnixFS({ type: 'directory' }).marshal()

/** Makes a flat directory. */
export function encodeDirectory(entries: readonly NamedEntry[]): MadeNode {
  return encode(DIRECTORY, entries, { kind: 'directory', entries })
}

/** Makes a HAMT node; the names carry their slot numbers, and come in slot order. */
export function encodeShard(entries: readonly NamedEntry[], bitfield: Uint8Array): MadeNode {
  const unixfs = new UnixFS({
    type: 'hamt-sharded-directory',
    data: bitfield,
    fanout: BigInt(HAMT_FANOUT),
    hashType: HAMT_HASH_CODE,
  })
  return encode(unixfs.marshal(), entries, { kind: 'shard', fanout: HAMT_FANOUT, entries })
}

function encode(data: Uint8Array, entries: readonly NamedEntry[], node: Node): MadeNode {
  const bytes = encodePbNode(data, entries)
  const treeSize = entries.reduce((sum, entry) => sum + entry.treeSize, bytes.length)
  return { bytes, treeSize, cid: cidFromHash(DAG_PB, sha256(bytes)), node }
}
