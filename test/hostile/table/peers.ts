import { MANNERS } from '../peer/manners.ts'
import { manyPullsAtOnce } from './shared-pulls.ts'
import { localStaysLocal } from './mirrors-away.ts'
import { nothingUnpublished, nothingByFetch } from './strangers.ts'
import { peersThatNeverEnd, peersThatNeverRead } from './greedy-peers.ts'
import type { Id } from './rules.ts'
import type { Row } from './row.ts'

/** Every way of a peer to give out its blocks: the honest mirror delivers, each answer in its time. */
const WAYS: readonly Row[] = Object.entries(MANNERS).map(([name, { row }]): Row => [
  row as Id,
  `a peer ${name}`,
  async (arena) => void (await arena.play({ manner: name })),
])

export const PEERS: readonly Row[] = [
  ...WAYS,
  [
    'C17',
    'what is here is served, and what is nowhere is 404, without a word to a mirror that is silent',
    localStaysLocal,
  ],
  ['C18', 'a hundred pulls of one blob at once', manyPullsAtOnce],
  ['C21', '64 peers each want 1,024 blocks of 1 MiB, and never read', peersThatNeverRead],
  ['C21', '64 peers each begin 64 messages of 4 MiB, and never end them', peersThatNeverEnd],
  ['C25', 'a stranger asks by bitswap for what was uploaded and never linked', nothingUnpublished],
  ['C25', 'a stranger asks by the fetch protocol for what is no record', nothingByFetch],
]
