import { matchesAside } from './cids.ts'
import { readIfThere } from './files.ts'
import { Gate } from './gate.ts'
import type { CID } from 'multiformats/cid'

/** Each is read as a whole, and copied for its hash: of many pushes at once, so many at a time (promise I8). */
const checking = new Gate(8)

/**
 * Whether a block's file is there and is what it should be. Hashed aside, for who pushes a blob again puts leaf after leaf
 * that is here.
 *
 * @throws the system's error when it could not be read
 */
export function isIntact(path: string, cid: CID): Promise<boolean> {
  return checking.run(async () => {
    const existing = await readIfThere(path)
    return existing !== undefined && (await matchesAside(cid, existing))
  })
}
