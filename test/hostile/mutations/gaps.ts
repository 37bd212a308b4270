import { pickData, pickFolder, pickLink } from './scene.ts'
import type { CID } from 'multiformats/cid'
import type { Drawing } from '../trees/draft.ts'
import type { Mutation } from './scene.ts'

/** Draws honestly, and loses the block on top of it. */
const WITHOUT_TOP: Drawing = async (blocks, honest) => {
  const made = await honest()
  blocks.delete(made.cid)
  return made
}

export const GAPS: readonly Mutation[] = [
  {
    name: 'a content is missing',
    row: 'C16',
    apply: (scene, dice) => void (pickData(scene, dice).draw = WITHOUT_TOP),
  },
  {
    name: 'a link is missing',
    row: 'C16',
    apply: (scene, dice) => void (pickLink(scene, dice).draw = WITHOUT_TOP),
  },
  {
    name: 'a folder is missing',
    row: 'C16',
    apply: (scene, dice) => void (pickFolder(scene, dice).draw = WITHOUT_TOP),
  },
  {
    name: 'some blocks are missing',
    row: 'C16',
    apply(scene, dice) {
      scene.spoil.push((blocks) => {
        const cids = [...blocks.cids()]
        for (let n = 0; n < 1 + cids.length / 20; n++) blocks.delete(dice.pick(cids))
      })
    },
  },
  {
    name: 'some blocks have other bytes',
    row: 'C16',
    apply(scene, dice) {
      scene.spoil.push((blocks) => {
        const cids = [...blocks.cids()]
        for (let n = 0; n < 1 + cids.length / 20; n++) falsify(blocks, dice.pick(cids))
      })
    },
  },
]

function falsify(
  blocks: { get(cid: CID): Uint8Array | undefined; putUnder(cid: CID, bytes: Uint8Array): void },
  cid: CID,
): void {
  const bytes = Uint8Array.from(blocks.get(cid) ?? [])
  if (bytes.length > 0) bytes[bytes.length >> 1]! ^= 1
  blocks.putUnder(cid, bytes)
}
