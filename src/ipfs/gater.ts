import { Doorkeeper } from './doorkeeper.ts'
import { guardNegotiation } from './negotiation-guard.ts'
import { parsePeer } from './peer-address.ts'
import { isDirect } from './scope.ts'
import type { ConnectionGater } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NetworkConfig } from './config.ts'
import type { Scopes } from './scope.ts'
import type { SwarmGuard } from './swarm-guard.ts'

/**
 * Keeps the node in its scope, both ways: no dial outside of it, and nobody let in from outside, nor too many from one
 * place. A public node may have configured peers in its own network, which strangers could not send it to.
 */
export function gaterOf(
  config: NetworkConfig,
  { dials, admits }: Scopes,
  guard?: SwarmGuard,
): ConnectionGater {
  const door = new Doorkeeper()
  const peers = config.mode === 'public' ? config.peers.map(parsePeer) : []
  const configured = new Set(peers.map(({ id }) => id.toString()))
  const isConfigured = (address: Multiaddr): boolean =>
    isDirect(address) && configured.has(address.getComponents().at(-1)?.value ?? '')
  return {
    denyDialMultiaddr: (address) => !dials(address) && !isConfigured(address),
    denyInboundConnection: (connection) => {
      if (!admits(connection.remoteAddr) || !door.admits(connection)) return true
      guardNegotiation(connection)
      guard?.watch(connection)
      return false
    },
    denyOutboundConnection: (_peer, connection) => {
      guardNegotiation(connection)
      guard?.watch(connection)
      return false
    },
    denyInboundEncryptedConnection: (peer, connection) => {
      guard?.admit(connection)
      return !door.admitsPeer(peer, connection)
    },
    denyOutboundEncryptedConnection: (_peer, connection) => {
      guard?.admit(connection)
      return false
    },
  }
}
