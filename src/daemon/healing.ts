import { Supply } from './supply.ts'
import type { Logger } from 'pino'
import type { IpfsNode } from '../ipfs/node.ts'
import type { Storage } from './storage.ts'

/** Lets blocks of our own tree that the disk has lost come back from whoever has them: first of all who mirrors us. */
export function healFrom(node: IpfsNode, { healer, lane }: Storage, log: Logger): void {
  const supply = new Supply(node)
  healer.connect({
    fetch: (cid, options) => {
      supply.expect(lane.root, [])
      return supply.fetch(cid, options)
    },
    onHealed: (cid) =>
      log.warn({ block: cid.toString() }, 'a block of ours was damaged or missing, and came back'),
    onLost: (cid, err) =>
      log.error(
        { block: cid.toString(), err },
        'a block of ours is damaged or missing, and no peer has it: push what it belongs to again, or restore a backup',
      ),
  })
}
