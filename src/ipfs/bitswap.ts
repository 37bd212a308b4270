import { inParts } from './outgoing-parts.ts'
import type { BitswapOptions } from '@helia/bitswap'
import type { BlockBroker, Helia } from 'helia'
import type { PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { Outgoing } from './outgoing-parts.ts'

/** Wants of one peer that we keep: each may load a block of 2 MiB into memory (faults, B-threats 7). */
const MAX_WANTS_PER_PEER = 32

/**
 * How bitswap is set up.
 *
 * - Messages may take two minutes: with the default of 10 s a line under 420 KiB/s never gets a block (facts S8).
 * - A block may be asked for again at once; see {@link openBitswap} for the other half of that remedy (S6).
 * - Two answers to one peer may be under way, so that the disk works for the second while the first is sent.
 * - The limit of a peer's wants has two spellings: the documented one is not the one that is read.
 */
export const bitswapOptions: BitswapOptions & {
  maxWantListSize: number
  sendBlocksConcurrency: number
} = {
  maxInboundStreams: 32,
  maxOutboundStreams: 128,
  messageReceiveTimeout: 120_000,
  messageSendTimeout: 120_000,
  doNotResendBlockWindow: 0,
  sendBlocksConcurrency: 2,
  maxWantlistSize: MAX_WANTS_PER_PEER,
  maxWantListSize: MAX_WANTS_PER_PEER,
}

/** What a peer said about a block. */
export interface Answer {
  readonly peer: PeerId
  /** A raw CID of what the block's bytes hash to, or of what the peer was asked about. */
  readonly cid: CID
  readonly has: boolean
  readonly block?: Uint8Array | undefined
}

/** Asking single peers for single blocks. */
export interface BlockExchange {
  /** Connected peers that speak bitswap. */
  peers(): PeerId[]
  /**
   * Asks a peer for a block, or whether it has it. Rejects when the question could not be sent; the answer comes
   * through {@link onAnswer}, after or before this resolves. `signal` ends what bitswap keeps for the question, and
   * must be aborted when the answer is no longer awaited.
   */
  ask(kind: 'block' | 'presence', cid: CID, peer: PeerId, signal: AbortSignal): Promise<void>
  onAnswer(listener: (answer: Answer) => void): void
}

interface WantOptions {
  signal: AbortSignal
}

/** The parts of @helia/bitswap 4.0 that we use and its types hide; {@link isBitswap} checks that they are there. */
interface Bitswap {
  network: {
    sendMessage(peer: PeerId, message: Outgoing, options?: object): Promise<void>
  }
  wantList: {
    peers: { keys(): IterableIterator<PeerId> }
    addEventListener(
      type: 'presence',
      listener: (event: CustomEvent<Answer & { sender: PeerId }>) => void,
    ): void
    wantSessionBlock(cid: CID, peer: PeerId, options: WantOptions): Promise<unknown>
    wantSessionPresence(cid: CID, peer: PeerId, options: WantOptions): Promise<unknown>
  }
  peerWantLists: {
    ledgerMap: { get(peer: PeerId): Ledger | undefined; delete(peer: PeerId): void }
    receiveMessage(peer: PeerId, message: unknown): void
  }
}

interface Ledger {
  sendQueue: { size: number }
  removeExpiredWants(): void
}

/**
 * Catches the bitswap that `withBitswap` makes when the node starts. Call it before the start; the function it
 * returns gives the exchange after it.
 */
export function interceptBitswap(helia: Helia): () => BlockExchange {
  let broker: object | undefined
  const add = helia.addBlockBroker.bind(helia)
  helia.addBlockBroker = (added: BlockBroker | ((components: unknown) => BlockBroker)) => {
    if (typeof added === 'object' && added.name === 'bitswap') broker = added
    add(added)
  }
  return () => {
    const bitswap = broker !== undefined && 'bitswap' in broker ? broker.bitswap : undefined
    if (!isBitswap(bitswap))
      throw new Error('this version of @helia/bitswap is not the one Heliport was written for')
    return openBitswap(bitswap)
  }
}

/**
 * Puts the stock bitswap right and gives its narrow face.
 *
 * The ledger of a peer remembers what it was sent and what it was told is missing, and answers neither a second time
 * (facts S6: every second request for a block is swallowed; "don't have" is said once). So before a peer's message is
 * looked at, a ledger without work under way is forgotten, and of a busy one what has expired.
 *
 * What is sent goes {@link inParts}.
 */
function openBitswap(bitswap: Bitswap): BlockExchange {
  const { network, peerWantLists, wantList } = bitswap
  const send = network.sendMessage.bind(network)
  network.sendMessage = async (peer, message, options) => {
    for (const part of inParts(message)) await send(peer, part, options)
  }
  const receive = peerWantLists.receiveMessage.bind(peerWantLists)
  peerWantLists.receiveMessage = (peer, message) => {
    const ledger = peerWantLists.ledgerMap.get(peer)
    if (ledger?.sendQueue.size === 0) peerWantLists.ledgerMap.delete(peer)
    else ledger?.removeExpiredWants()
    receive(peer, message)
  }
  return {
    peers: () => [...wantList.peers.keys()],
    async ask(kind, cid, peer, signal) {
      const asked = kind === 'block' ? 'wantSessionBlock' : 'wantSessionPresence'
      await wantList[asked](cid, peer, { signal })
    },
    onAnswer(listener) {
      wantList.addEventListener('presence', ({ detail }) => {
        listener({ peer: detail.sender, cid: detail.cid, has: detail.has, block: detail.block })
      })
    },
  }
}

function isBitswap(value: unknown): value is Bitswap {
  const { network, wantList, peerWantLists } = (value ?? {}) as {
    [Part in keyof Bitswap]?: Partial<Bitswap[Part]>
  }
  return (
    typeof network?.sendMessage === 'function' &&
    typeof wantList?.wantSessionBlock === 'function' &&
    typeof wantList.wantSessionPresence === 'function' &&
    typeof wantList.peers?.keys === 'function' &&
    typeof peerWantLists?.receiveMessage === 'function' &&
    typeof peerWantLists.ledgerMap?.delete === 'function'
  )
}
