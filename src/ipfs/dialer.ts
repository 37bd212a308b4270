import { multiaddr } from '@multiformats/multiaddr'
import { hasPeerId } from './scope.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Scope } from './scope.ts'

/** Addresses that are tried of those that somebody named. */
const MAX_ADDRESSES = 8
const DIAL_TIMEOUT = 10_000

/** Connects to peers by addresses that somebody else named. */
export class Dialer {
  readonly #libp2p: Pick<Libp2p, 'dial' | 'getConnections' | 'peerId'>
  readonly #dials: Scope

  /** @param dials which addresses may be called, whoever named them */
  constructor(libp2p: Pick<Libp2p, 'dial' | 'getConnections' | 'peerId'>, dials: Scope) {
    this.#libp2p = libp2p
    this.#dials = dials
  }

  /**
   * Addresses out of scope are passed over, and a peer that is connected already is left alone. False when there is no
   * connection after that.
   */
  async dial(
    addresses: readonly string[],
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<boolean> {
    const usable = addresses
      .slice(0, MAX_ADDRESSES)
      .flatMap(tryMultiaddr)
      .filter((a) => hasPeerId(a) && this.#dials(a))
    const byPeer = Map.groupBy(usable, (address) => address.getComponents().at(-1)?.value ?? '')
    const connected = await Promise.all(
      [...byPeer].map(([id, group]) => this.#dialPeer(id, group, signal)),
    )
    return connected.includes(true)
  }

  async #dialPeer(
    id: string,
    addresses: Multiaddr[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (id === this.#libp2p.peerId.toString()) return false
    const connections = this.#libp2p.getConnections()
    if (connections.some(({ remotePeer }) => remotePeer.toString() === id)) return true
    try {
      const timeout = AbortSignal.timeout(DIAL_TIMEOUT)
      await this.#libp2p.dial(addresses, {
        signal: AbortSignal.any(signal ? [signal, timeout] : [timeout]),
      })
      return true
    } catch {
      // Whatever the reason, these addresses lead nowhere now; the caller only wants to know that.
      signal?.throwIfAborted()
      return false
    }
  }
}

function tryMultiaddr(text: string): Multiaddr[] {
  try {
    return [multiaddr(text)]
  } catch {
    return [] // somebody else's text; what is no address leads nowhere
  }
}
