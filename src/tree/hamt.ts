import { murmur364 } from '@multiformats/murmur3'

/**
 * The 64 bits that place a name in a HAMT: the first half of murmur3-x64-128, as Kubo and js-ipfs take it.
 */
export async function hashName(name: string): Promise<Uint8Array> {
  return murmur364.encode(Buffer.from(name))
}

/**
 * The slot of a name on one level of a HAMT.
 *
 * @param hash from {@link hashName}
 * @param fanout slots of a node, a power of two
 * @returns `undefined` below the level where the hash has no more bits
 */
export function slotOf(hash: Uint8Array, level: number, fanout: number): number | undefined {
  const bits = Math.log2(fanout)
  const first = level * bits
  if (first + bits > hash.length * 8) return undefined
  let slot = 0
  for (let bit = first; bit < first + bits; bit++) {
    slot = (slot << 1) | (((hash[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1)
  }
  return slot
}
