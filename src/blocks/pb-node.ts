/** A link as it is written. */
export interface PbLink {
  readonly name: string
  readonly cid: { readonly bytes: Uint8Array }
  readonly treeSize: number
}

/** Tags of the fields, all with a length but the last: `PBNode.Links`, `PBNode.Data`; `PBLink.Hash`, `Name`, `Tsize`. */
const LINKS = 0x12
const DATA = 0x0a
const HASH = 0x0a
const NAME = 0x12
const TSIZE = 0x18

/**
 * The one canonical block of a dag-pb node (IPLD dag-pb specification, "Serialization"): links before data, in the order of
 * the bytes of their names, those with the same name in the order in which they came.
 *
 * Written here, because a push draws directories of thousands of links anew, and the library makes three objects and a
 * sorting of bytes of each link: 8 ms for a thousand of them, where this takes 0.3 (measured).
 */
export function encodePbNode(data: Uint8Array, links: readonly PbLink[]): Uint8Array {
  const sorted = inOrder(links)
  let length = fieldLength(data.length)
  for (const link of sorted) length += fieldLength(bodyLength(link))
  const block = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const link of sorted) at = writeLink(block, at, link)
  block[at++] = DATA
  at = writeVarint(block, at, data.length)
  block.set(data, at)
  return block
}

/** Bytes of a field with a length: its tag, its length, its bytes. */
export function fieldLength(bytes: number): number {
  return 1 + varintLength(bytes) + bytes
}

/** Bytes of a link without its own tag and length. */
export function bodyLength(link: PbLink): number {
  return bodyOf(link, Buffer.byteLength(link.name))
}

function bodyOf({ cid, treeSize }: PbLink, nameLength: number): number {
  return fieldLength(cid.bytes.length) + fieldLength(nameLength) + 1 + varintLength(treeSize)
}

function writeLink(block: Buffer, start: number, link: PbLink): number {
  const { name, cid, treeSize } = link
  const nameLength = Buffer.byteLength(name)
  let at = start
  block[at++] = LINKS
  at = writeVarint(block, at, bodyOf(link, nameLength))
  block[at++] = HASH
  at = writeVarint(block, at, cid.bytes.length)
  block.set(cid.bytes, at)
  at += cid.bytes.length
  block[at++] = NAME
  at = writeVarint(block, at, nameLength)
  at += nameLength === name.length ? block.write(name, at, 'latin1') : block.write(name, at)
  block[at++] = TSIZE
  return writeVarint(block, at, treeSize)
}

function varintLength(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

function writeVarint(block: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  // Beyond 2^31 bit operators are wrong, so it is arithmetic.
  for (; rest >= 128; rest = Math.floor(rest / 128)) block[at++] = (rest % 128) | 128
  block[at++] = rest
  return at
}

/** Text is in the order of its UTF-8 bytes when it is in that of its UTF-16 units, but where surrogates are in it. */
const SURROGATE = /[\ud800-\udfff]/

function inOrder(links: readonly PbLink[]): readonly PbLink[] {
  if (links.some(({ name }) => Buffer.byteLength(name) > name.length && SURROGATE.test(name)))
    return links.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  const isSorted = links.every(({ name }, i) => i === 0 || (links[i - 1]?.name ?? '') <= name)
  return isSorted ? links : links.toSorted((a, b) => (a.name < b.name ? -1 : +(a.name > b.name)))
}
