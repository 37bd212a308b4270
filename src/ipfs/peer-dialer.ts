import { multiaddr } from '@multiformats/multiaddr'
import { hasPeerId } from './scope.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Scope } from './scope.ts'

/** Addresses of one call that are looked at. */
const MAX_ADDRESSES = 8
const DIAL_TIMEOUT = 10_000
/** How long two peers who met at a public relay may take to find a way of their own. Milliseconds. */
const UPGRADE_TIMEOUT = 10_000

/** What of libp2p is needed to call somebody. */
type Dialer = Pick<
  Libp2p,
  'dial' | 'getConnections' | 'addEventListener' | 'removeEventListener' | 'peerId'
>

/** Calls peers by addresses that somebody else named. */
export class PeerDialer {
  readonly #dialer: Dialer
  readonly #scope: Scope
  readonly #upgradeTimeout: number

  constructor(dialer: Dialer, scope: Scope, upgradeTimeout = UPGRADE_TIMEOUT) {
    this.#dialer = dialer
    this.#scope = scope
    this.#upgradeTimeout = upgradeTimeout
  }

  /**
   * Connects to at least one of the peers at these addresses; those out of scope are passed over, and a peer that is
   * connected already is left alone. False when there is no connection after that that carries our protocols.
   */
  async dial(addresses: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
    const usable = addresses
      .slice(0, MAX_ADDRESSES)
      .flatMap(tryMultiaddr)
      .filter((address) => hasPeerId(address) && this.#scope(address))
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
    if (id === this.#dialer.peerId.toString()) return false
    if (this.#isConnected(id)) return true
    const within = (milliseconds: number) => {
      const timeout = AbortSignal.timeout(milliseconds)
      return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    }
    try {
      const connection = await this.#dialer.dial(addresses, { signal: within(DIAL_TIMEOUT) })
      return isUsable(connection) || (await this.#upgraded(id, within(this.#upgradeTimeout)))
    } catch {
      // Whatever the reason, these addresses lead nowhere now; the caller only wants to know that.
      signal?.throwIfAborted()
      return false
    }
  }

  #isConnected(id: string): boolean {
    return this.#dialer
      .getConnections()
      .some((connection) => connection.remotePeer.toString() === id && isUsable(connection))
  }

  /**
   * Waits for a direct connection beside the one that we have: the other side calls us back, or both call at once
   * (libp2p specs, "Direct Connection Upgrade through Relay").
   */
  async #upgraded(id: string, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const onOpen = () => {
      if (this.#isConnected(id)) resolve(true)
    }
    const onAbort = () => reject(signal.reason as Error)
    this.#dialer.addEventListener('connection:open', onOpen)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      onOpen()
      return await promise
    } finally {
      this.#dialer.removeEventListener('connection:open', onOpen)
      signal.removeEventListener('abort', onAbort)
    }
  }
}

/** A connection by way of a relay with limits carries nothing but the search for a better way. */
function isUsable({ limits }: Connection): boolean {
  return limits === undefined
}

function tryMultiaddr(text: string): Multiaddr[] {
  try {
    return [multiaddr(text)]
  } catch {
    return [] // somebody else's text; what is no address leads nowhere
  }
}
