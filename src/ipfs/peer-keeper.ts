import { pause } from './pause.ts'
import { resolveAddress } from './peer-address.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Log } from './logger.ts'
import type { ConfiguredPeer } from './peer-address.ts'

/** 15 s, and up to as much again, so that a fleet does not knock in step. */
const PAUSE = 15_000
/** Pause after a peer was lost, so that a peer that cuts every connection is not called without end. */
const LOST_PAUSE = 1_000
const DIAL_TIMEOUT = 10_000

/** What of libp2p is needed to keep peers. */
export type Dialer = Pick<
  Libp2p,
  'dial' | 'getConnections' | 'addEventListener' | 'removeEventListener'
>

/** A peer that is to be connected, and is not. */
export interface UnreachablePeer {
  /** As it was configured. */
  readonly address: string
  /** When the first attempt failed after which none came through, in milliseconds of the clock. */
  readonly since: number
  /** What the last attempt failed of. */
  readonly error: string
}

export interface KeeperOptions {
  /** Whether the peers are wanted now; asked before each dial. Bootstrap peers are only wanted by a lonely node. */
  wanted?: () => boolean
  /** Milliseconds between two attempts at one peer; up to as much again is added by chance. */
  pause?: number | undefined
  /** How the first failure of a peer is logged; all others are `debug`. */
  level?: 'warn' | 'debug' | undefined
  /** Where to call a peer, instead of {@link resolveAddress}. */
  resolve?: ((peer: ConfiguredPeer) => Promise<Multiaddr[]>) | undefined
  log: Log
}

/**
 * Keeps peers connected, for as long as the node lives: the first attempt at once, then again and again, and soon
 * after a connection is lost. libp2p's own reconnection gives up after half a minute, for good (facts §5).
 */
export class PeerKeeper {
  readonly #dialer: Dialer
  readonly #log: Log
  readonly #wanted: () => boolean
  readonly #pause: number
  readonly #level: 'warn' | 'debug'
  readonly #resolve: (peer: ConfiguredPeer) => Promise<Multiaddr[]>
  readonly #stop = new AbortController()
  readonly #loops: Array<Promise<void>>
  /** Those that the last attempt did not reach. */
  readonly #failed = new Map<ConfiguredPeer, { since: number; error: string }>()
  /** Wakes the loop of a peer, by peer id. */
  readonly #wake = new Map<string, () => void>()
  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>) =>
    this.#wake.get(detail.toString())?.()

  constructor(dialer: Dialer, peers: readonly ConfiguredPeer[], options: KeeperOptions) {
    this.#dialer = dialer
    this.#log = options.log
    this.#wanted = options.wanted ?? (() => true)
    this.#pause = options.pause ?? PAUSE
    this.#level = options.level ?? 'warn'
    this.#resolve = options.resolve ?? (({ address }) => resolveAddress(address))
    dialer.addEventListener('peer:disconnect', this.#onDisconnect)
    this.#loops = peers.map((peer) => this.#keep(peer))
  }

  /** Those that could not be reached when they were called last, and have not come by themselves since. */
  unreachable(): UnreachablePeer[] {
    return [...this.#failed]
      .filter(([{ id }]) => this.#dialer.getConnections(id).length === 0)
      .map(([{ address }, failure]) => ({ address: address.toString(), ...failure }))
  }

  async stop(): Promise<void> {
    this.#dialer.removeEventListener('peer:disconnect', this.#onDisconnect)
    this.#stop.abort(new Error('the node stops'))
    await Promise.all(this.#loops)
  }

  async #keep(peer: ConfiguredPeer): Promise<void> {
    const { signal } = this.#stop
    for (let failures = 0; !signal.aborted;) {
      const connected = !this.#wanted() || (await this.#connect(peer, failures))
      failures = connected ? 0 : failures + 1
      await this.#rest(peer)
    }
  }

  /** False when the peer could not be reached. */
  async #connect(peer: ConfiguredPeer, failures: number): Promise<boolean> {
    if (this.#dialer.getConnections(peer.id).length > 0) {
      this.#failed.delete(peer)
      return true
    }
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(DIAL_TIMEOUT)])
    const details = { peer: peer.address.toString() }
    try {
      await this.#dialer.dial(await this.#resolve(peer), { signal })
      this.#failed.delete(peer)
      if (failures > 0) this.#log.info(details, 'peer is connected again')
      return true
    } catch (error) {
      // Whatever it was, a peer that cannot be reached is tried again: that is what this class is for.
      if (this.#stop.signal.aborted) return false
      const level = failures === 0 ? this.#level : 'debug'
      const reason = error instanceof Error ? error.message : String(error)
      const { since } = this.#failed.get(peer) ?? { since: Date.now() }
      this.#failed.set(peer, { since, error: reason })
      this.#log[level]({ ...details, reason }, 'peer cannot be reached, will try again')
      return false
    }
  }

  /** Waits until the next attempt is due: after the pause, or soon after the peer was lost. */
  async #rest(peer: ConfiguredPeer): Promise<void> {
    const woken = new AbortController()
    const id = peer.id.toString()
    this.#wake.set(id, () => woken.abort())
    const { signal } = this.#stop
    await rest(this.#pause * (1 + Math.random()), AbortSignal.any([signal, woken.signal]))
    this.#wake.delete(id)
    if (woken.signal.aborted) await rest(Math.min(LOST_PAUSE, this.#pause), signal)
  }
}

/** Waits, and returns early when the signal aborts. */
async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
