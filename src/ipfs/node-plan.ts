import { multiaddr } from '@multiformats/multiaddr'
import { DEFAULT_LISTEN } from './config.ts'
import { StartError } from './errors.ts'
import { ListedPeers } from './listed-peers.ts'
import { parsePeer } from './peer-address.ts'
import { isLoopback, scopesOf } from './scope.ts'
import { SwarmGuard } from './swarm-guard.ts'
import { readSwarmKey } from './swarm-key.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NetworkConfig } from './config.ts'
import type { Log } from './logger.ts'
import type { ConfiguredPeer } from './peer-address.ts'
import type { Scope, Scopes } from './scope.ts'

/** What takes the place of the internet for a public node. */
export interface Internet {
  /** Multiaddrs, each with `/p2p/…`. */
  readonly bootstrap: readonly string[]
  /** Which addresses count as global. */
  readonly scope: Scope
  /** DNS servers (`address:port`) in the place of the system's. */
  readonly dnsServers?: readonly string[] | undefined
}

/** What follows from the network's configuration. */
interface NodePlan {
  readonly peers: readonly ConfiguredPeer[]
  readonly scopes: Scopes
  /** Of a private network. */
  readonly guard: SwarmGuard | undefined
  /** Where to call a configured peer. */
  readonly resolve: (peer: ConfiguredPeer) => Promise<Multiaddr[]>
}

/**
 * Reads the network's configuration, and the swarm key it names, before anything is opened.
 *
 * @throws StartError when an address or the key cannot be read, or contradicts the mode
 */
export async function planNode(
  config: NetworkConfig,
  { internet, log }: { internet: Internet | undefined; log: Log },
): Promise<NodePlan> {
  const listen = (config.listen ?? DEFAULT_LISTEN[config.mode]).map(parseListen)
  const peers = config.peers.map(parsePeer)
  if (config.mode === 'offline') stayOnLoopback(listen, peers)
  const listed = new ListedPeers(peers)
  const scopes = {
    ...scopesOf(config.mode, listed.scope),
    ...(internet && { dials: internet.scope, tells: internet.scope }),
  }
  return {
    peers,
    scopes,
    guard: await guardOf(config, log),
    resolve: (peer) => listed.resolve(peer),
  }
}

async function guardOf(
  { mode, swarmKey }: NetworkConfig,
  log: Log,
): Promise<SwarmGuard | undefined> {
  if (mode !== 'private') return undefined
  if (swarmKey === null)
    throw new StartError('network.swarmKey: network.mode private needs the file of a swarm key')
  return new SwarmGuard(await readSwarmKey(swarmKey), log)
}

function stayOnLoopback(listen: readonly Multiaddr[], peers: readonly ConfiguredPeer[]): void {
  const outside = [
    ...listen
      .filter((address) => !isLoopback(address))
      .map((address) => `network.listen: ${address.toString()}`),
    ...peers
      .filter(({ address }) => !isLoopback(address))
      .map(({ address }) => `network.peers: ${address.toString()}`),
  ]
  if (outside[0] !== undefined)
    throw new StartError(`${outside[0]} is not on loopback, and network.mode is offline`)
}

function parseListen(text: string): Multiaddr {
  try {
    return multiaddr(text)
  } catch (error) {
    throw new StartError(`network.listen: ${text} is not a multiaddr`, { cause: error })
  }
}
