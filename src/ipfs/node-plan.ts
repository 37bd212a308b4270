import { multiaddr } from '@multiformats/multiaddr'
import { DEFAULT_LISTEN } from './config.ts'
import { StartError } from './errors.ts'
import { parsePeer } from './peer-address.ts'
import { isLoopback } from './scope.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NetworkConfig } from './config.ts'
import type { ConfiguredPeer } from './peer-address.ts'

/**
 * Reads the network's configuration before anything is opened.
 *
 * @throws StartError when an address cannot be read, or contradicts the mode
 */
export function planNode(config: NetworkConfig): { peers: ConfiguredPeer[] } {
  if (config.mode === 'private')
    throw new StartError('network.mode: private networks do not work yet')
  const listen = (config.listen ?? DEFAULT_LISTEN[config.mode]).map(parseListen)
  const peers = config.peers.map(parsePeer)
  if (config.mode === 'offline') {
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
  return { peers }
}

function parseListen(text: string): Multiaddr {
  try {
    return multiaddr(text)
  } catch (error) {
    throw new StartError(`network.listen: ${text} is not a multiaddr`, { cause: error })
  }
}
