import { lookup } from 'node:dns/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { StartError } from './errors.ts'
import { hasPeerId } from './scope.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A peer of the configuration. */
export interface ConfiguredPeer {
  readonly id: PeerId
  readonly address: Multiaddr
}

/**
 * Reads an entry of `network.peers`.
 *
 * @throws StartError when it is not a multiaddr that ends in `/p2p/<peer id>`
 */
export function parsePeer(text: string): ConfiguredPeer {
  try {
    const address = multiaddr(text)
    const id = address.getComponents().at(-1)?.value
    if (hasPeerId(address) && id !== undefined) return { address, id: peerIdFromString(id) }
  } catch (error) {
    throw new StartError(`network.peers: ${text} is not a multiaddr`, { cause: error })
  }
  throw new StartError(`network.peers: ${text} must end in /p2p/<peer id>`)
}

/**
 * Looks up the name in an address (`/dns4/registry.internal/tcp/4001/p2p/…`) with the system's resolver; an address
 * without one is its own answer. `/dnsaddr` is left to libp2p.
 *
 * @throws the resolver's error when there is no such host
 */
export async function resolveAddress(address: Multiaddr): Promise<Multiaddr[]> {
  const [first] = address.getComponents()
  const family = first === undefined ? undefined : FAMILIES[first.name]
  if (first?.value === undefined || family === undefined) return [address]
  const found = await lookup(first.value, { all: true, family })
  const rest = address.toString().slice(`/${first.name}/${first.value}`.length)
  return found.map(({ address: ip, family: kind }) => multiaddr(`/ip${kind}/${ip}${rest}`))
}

const FAMILIES: Readonly<Record<string, 0 | 4 | 6>> = { dns: 0, dns4: 4, dns6: 6 }
