import { encodeMessage, framed, prefixOf } from './bitswap-wire.ts'
import { bytesFrom } from '../trees/dice.ts'
import type { CID } from 'multiformats/cid'
import type { Message, Want } from './bitswap-wire.ts'

/** What a peer can do about wants. */
export interface Hands {
  /** The block it has. */
  block(cid: CID): Uint8Array | undefined
  /** Sends bytes on a stream of their own, and ends it. */
  send(bytes: Uint8Array): Promise<void>
  /** Sends some bytes on a stream of their own, and then only one now and then, until the peer is stopped. */
  drip(bytes: Uint8Array, atOnce: number): Promise<void>
  /** Ends the connection. */
  hangUp(): Promise<void>
  /** How many wants of blocks came before, in this case. */
  readonly count: number
}

/** How a peer answers the wants of one message. */
export type Manner = (wants: readonly Want[], hands: Hands) => Promise<void>

/** The answer that bitswap asks for. */
export function honestAnswer(wants: readonly Want[], hands: Pick<Hands, 'block'>): Message {
  const blocks: { prefix: Uint8Array; data: Uint8Array }[] = []
  const presences: { cid: CID; has: boolean }[] = []
  for (const { cid, kind } of wants) {
    const data = hands.block(cid)
    if (data !== undefined && kind === 'block') blocks.push({ prefix: prefixOf(cid), data })
    else presences.push({ cid, has: data !== undefined })
  }
  return { blocks, presences }
}

export const honest: Manner = (wants, hands) => answer(hands, honestAnswer(wants, hands))

/** Wants of blocks that are answered before a peer shows what it is. */
const GOOD_WANTS = 12

/** Honest at first, else nobody would follow such a mirror. */
function later(then: Manner): Manner {
  return (wants, hands) => (hands.count < GOOD_WANTS ? honest : then)(wants, hands)
}

/** How a hostile peer may answer. Slow ones take a deadline each, so there are few of them. */
export const MANNERS: Readonly<Record<string, { row: string; isSlow: boolean; manner: Manner }>> = {
  'sends other bytes': quick((wants, hands) => {
    const { blocks = [], presences = [] } = honestAnswer(wants, hands)
    const false_ = blocks.map(({ prefix, data }) => ({
      prefix,
      data: bytesFrom('false', data.length),
    }))
    return answer(hands, { blocks: false_, presences })
  }),
  'sends the digest as a block by identity': quick((wants, hands) =>
    answer(hands, {
      blocks: wants.map(({ cid }) => ({
        prefix: Buffer.from([1, 0x55, 0, 32]),
        data: cid.multihash.digest,
      })),
    }),
  ),
  'says that it has nothing': quick((wants, hands) =>
    answer(hands, { presences: wants.map(({ cid }) => ({ cid, has: false })) }),
  ),
  'sends 3 MiB unasked with each answer': quick(async (wants, hands) => {
    const data = bytesFrom(`unasked ${hands.count}`, 2 ** 20)
    const extra = Array.from({ length: 3 }, (_, n) => ({
      prefix: Buffer.from([1, 0x55, 0x12, 32]),
      data: Buffer.concat([data, Buffer.from([n])]),
    }))
    await answer(hands, { blocks: extra })
    await honest(wants, hands)
  }),
  'sends every answer five times': quick(async (wants, hands) => {
    for (let n = 0; n < 5; n++) await honest(wants, hands)
  }),
  'sends garbage': quick(async (_, hands) => {
    await hands.send(framed(bytesFrom(`garbage ${hands.count}`, 3000)))
  }),
  'sends a message of 5 MiB': quick(async (wants, hands) => {
    await hands.send(framed(Buffer.alloc(5 * 2 ** 20)))
    await honest(wants, hands)
  }),
  'says that 2^40 bytes follow': quick(async (wants, hands) => {
    await hands.send(
      Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x20]), Buffer.alloc(1000)]),
    )
    await honest(wants, hands)
  }),
  'hangs up when asked': quick((wants, hands) =>
    hands.count % 3 === 0 ? hands.hangUp() : honest(wants, hands),
  ),
  'says nothing more': slow(() => Promise.resolve()),
  'says that it has all, and gives nothing': slow((wants, hands) =>
    answer(hands, { presences: wants.map(({ cid }) => ({ cid, has: true })) }),
  ),
  'sends a byte now and then': slow((wants, hands) =>
    hands.drip(framed(encodeMessage(honestAnswer(wants, hands))), 1),
  ),
  'stops in the middle of a block': slow((wants, hands) => {
    const bytes = framed(encodeMessage(honestAnswer(wants, hands)))
    return hands.drip(bytes, bytes.length >> 1)
  }),
}

function quick(manner: Manner) {
  return { row: 'C07', isSlow: false, manner: later(manner) }
}

function slow(manner: Manner) {
  return { row: 'C16', isSlow: true, manner: later(manner) }
}

async function answer(hands: Hands, message: Message): Promise<void> {
  await hands.send(framed(encodeMessage(message)))
}
