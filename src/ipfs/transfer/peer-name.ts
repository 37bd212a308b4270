import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { decode } from 'multiformats/hashes/digest'

/**
 * Reads what a peer said of another: its peer id, and its addresses with `/p2p/…` at the end. `undefined` when the id is
 * none; addresses that are none are left out.
 */
export function peerName(
  id: Uint8Array,
  addresses: readonly Uint8Array[],
): { id: string; addresses: string[] } | undefined {
  try {
    const name = peerIdFromMultihash(decode(id)).toString()
    return { id: name, addresses: addresses.flatMap((bytes) => withPeer(bytes, name)) }
  } catch {
    return undefined // somebody else's bytes
  }
}

function withPeer(bytes: Uint8Array, peer: string): string[] {
  try {
    const text = multiaddr(bytes).toString()
    return [text.endsWith(`/p2p/${peer}`) ? text : `${text}/p2p/${peer}`]
  } catch {
    return [] // somebody else's bytes
  }
}
