import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { Answer, BlockExchange } from '../../src/ipfs/bitswap/exchange.ts'

/** `undefined`: the peer says nothing. */
type Reply = (kind: 'block' | 'presence', cid: CID) => Omit<Answer, 'peer' | 'cid'> | undefined

/** Peers whose behaviour is made up; counts what they were asked. */
export class FakeExchange implements BlockExchange {
  readonly asked: Array<{ kind: string; peer: string; cid: CID }> = []
  readonly #peers = new Map<string, { id: PeerId; reply: Reply }>()
  #listener: (answer: Answer) => boolean = () => false

  async add(reply: Reply): Promise<string> {
    const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    this.#peers.set(id.toString(), { id, reply })
    return id.toString()
  }

  peers(): PeerId[] {
    return [...this.#peers.values()].map(({ id }) => id)
  }

  ask(kind: 'block' | 'presence', cid: CID, peer: PeerId): Promise<void> {
    this.asked.push({ kind, cid, peer: peer.toString() })
    const answer = this.#peers.get(peer.toString())?.reply(kind, cid)
    if (answer !== undefined) queueMicrotask(() => void this.#listener({ peer, cid, ...answer }))
    return Promise.resolve()
  }

  onAnswer(listener: (answer: Answer) => boolean): void {
    this.#listener = listener
  }
}
