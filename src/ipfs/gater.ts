import { parsePeer } from './peer-address.ts'
import { isDirect } from './scope.ts'
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NetworkConfig } from './config.ts'
import type { Scopes } from './scope.ts'
import type { SwarmGuard } from './swarm-guard.ts'

/**
 * Keeps the node in its scope, both ways: no dial outside of it, and nobody let in from outside. A public node may have
 * configured peers in its own network, which strangers could not send it to.
 */
export function gaterOf(
  config: NetworkConfig,
  { dials, admits }: Scopes,
  guard?: SwarmGuard,
): ConnectionGater {
  const peers = config.mode === 'public' ? config.peers.map(parsePeer) : []
  const configured = new Set(peers.map(({ id }) => id.toString()))
  const isConfigured = (address: Multiaddr): boolean =>
    isDirect(address) && configured.has(address.getComponents().at(-1)?.value ?? '')
  return {
    denyDialMultiaddr: (address) => !dials(address) && !isConfigured(address),
    denyInboundConnection: (connection) => {
      guard?.watch(connection)
      return !admits(connection.remoteAddr)
    },
    ...(guard && privately(guard)),
  }
}

function privately(guard: SwarmGuard): ConnectionGater {
  const admit = (_peer: PeerId, connection: MultiaddrConnection): boolean => {
    guard.admit(connection)
    return false
  }
  return {
    denyOutboundConnection: (_peer, connection) => {
      guard.watch(connection)
      return false
    },
    denyInboundEncryptedConnection: admit,
    denyOutboundEncryptedConnection: admit,
  }
}
