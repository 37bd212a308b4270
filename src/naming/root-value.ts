import { CID } from 'multiformats/cid'

const DAG_PB = 0x70
const SHA2_256 = 0x12
/** `/ipfs/` and a CID in any base we know, with room to spare. */
const MAX_LENGTH = 128

/** What a record of ours says. */
export function valueOf(root: CID): string {
  return `/ipfs/${root.toV1().toString()}`
}

/**
 * The root that a record names: a directory by its CID (also the old `Qm…` form), and nothing else. A path, another
 * name (`/ipns/…`: it could lead in circles) or another codec or hash is `undefined` (faults §0.6, C11).
 */
export function rootOf(value: string): CID | undefined {
  const match = /^\/ipfs\/([a-zA-Z0-9]+)$/.exec(value.slice(0, MAX_LENGTH + 1))
  if (match?.[1] === undefined || value.length > MAX_LENGTH) return undefined
  try {
    const cid = CID.parse(match[1])
    const usable =
      cid.code === DAG_PB && cid.multihash.code === SHA2_256 && cid.multihash.digest.length === 32
    return usable ? cid.toV1() : undefined
  } catch {
    return undefined // not a CID
  }
}
