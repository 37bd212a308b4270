import { resolveAddress } from './peer-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ConfiguredPeer } from './peer-address.ts'
import type { Scope } from './scope.ts'

/**
 * The scope of a private network: the addresses of the configured peers, each with its peer's id, and of those with a
 * name what the system's resolver last said of it. Nobody else can add to it.
 */
export class ListedPeers {
  /** What each entry of the configuration stands for, by its text. */
  readonly #addresses: Map<string, readonly string[]>

  constructor(peers: readonly ConfiguredPeer[]) {
    this.#addresses = new Map(
      peers.map(({ address }) => [address.toString(), [address.toString()]]),
    )
  }

  readonly scope: Scope = (address) => {
    const text = address.toString()
    return [...this.#addresses.values()].some((known) => known.includes(text))
  }

  /** Where to call a peer of the configuration. @throws the resolver's error when there is no such host */
  async resolve({ address }: ConfiguredPeer): Promise<Multiaddr[]> {
    const found = await resolveAddress(address)
    this.#addresses.set(address.toString(), found.map(String))
    return found
  }
}
