import type { Libp2p, PeerInfo } from '@libp2p/interface'
import type { Log } from './logger.ts'
import type { Scope } from './scope.ts'

/** Dials under way because of discovery; a network that announces more than this waits for the next round. */
const MAX_DIALS = 16
const DIAL_TIMEOUT = 10_000

/**
 * Connects to whom mDNS finds. libp2p itself only writes them down since its version 2 (facts §5). mDNS asks again
 * every ten seconds, so a peer that did not answer is simply met again.
 */
export class Discovery {
  readonly #libp2p: Libp2p
  readonly #scope: Scope
  readonly #log: Log
  readonly #stop = new AbortController()
  readonly #dialling = new Map<string, Promise<void>>()
  readonly #onFound = ({ detail }: CustomEvent<PeerInfo>) => this.#found(detail)

  constructor(libp2p: Libp2p, options: { scope: Scope; log: Log }) {
    this.#libp2p = libp2p
    this.#scope = options.scope
    this.#log = options.log
    libp2p.addEventListener('peer:discovery', this.#onFound)
  }

  async stop(): Promise<void> {
    this.#libp2p.removeEventListener('peer:discovery', this.#onFound)
    this.#stop.abort(new Error('the node stops'))
    await Promise.all(this.#dialling.values())
  }

  #found(peer: PeerInfo): void {
    const id = peer.id.toString()
    if (this.#dialling.has(id) || this.#dialling.size >= MAX_DIALS) return
    if (this.#libp2p.getConnections(peer.id).length > 0) return
    this.#dialling.set(
      id,
      this.#dial(peer).finally(() => this.#dialling.delete(id)),
    )
  }

  async #dial(peer: PeerInfo): Promise<void> {
    const addresses = peer.multiaddrs.filter(this.#scope)
    if (addresses.length === 0) return
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(DIAL_TIMEOUT)])
    const suffix = `/p2p/${peer.id.toString()}`
    const full = addresses.map((address) =>
      address.toString().endsWith(suffix) ? address : address.encapsulate(suffix),
    )
    try {
      await this.#libp2p.dial(full, { signal })
    } catch (error) {
      // Strangers come and go; there is nothing to do about one that does not answer.
      this.#log.debug(
        { peer: peer.id.toString(), err: error },
        'a discovered peer cannot be reached',
      )
    }
  }
}
