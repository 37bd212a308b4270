import { hostOf } from './host-of.ts'
import {
  MAX_CONNECTIONS_PER_HOST,
  MAX_CONNECTIONS_PER_PEER,
  MAX_PENDING_PER_HOST,
} from './inbound-limits.ts'
import type { MultiaddrConnection, PeerId } from '@libp2p/interface'

/** How many connections one host or peer may have; libp2p only knows how many there are in all. */
export interface DoorLimits {
  readonly pendingPerHost: number
  readonly perHost: number
  readonly perPeer: number
}

const LIMITS: DoorLimits = {
  pendingPerHost: MAX_PENDING_PER_HOST,
  perHost: MAX_CONNECTIONS_PER_HOST,
  perPeer: MAX_CONNECTIONS_PER_PEER,
}

/** Counts the inbound connections of each host and each peer, so that none takes the places of all others. */
export class Doorkeeper {
  readonly #limits: DoorLimits
  readonly #pending = new Counter()
  readonly #hosts = new Counter()
  readonly #peers = new Counter()
  readonly #proven = new WeakSet<MultiaddrConnection>()

  constructor(limits: DoorLimits = LIMITS) {
    this.#limits = limits
  }

  /** A connection has come, and its handshake begins. False when its host has enough of them. */
  admits(connection: MultiaddrConnection): boolean {
    const host = hostOf(connection.remoteAddr)
    if (this.#hosts.of(host) >= this.#limits.perHost) return false
    if (this.#pending.of(host) >= this.#limits.pendingPerHost) return false
    this.#hosts.add(host)
    this.#pending.add(host)
    whenClosed(connection, () => {
      this.#hosts.take(host)
      if (!this.#proven.has(connection)) this.#pending.take(host)
    })
    return true
  }

  /** Its handshake went through: it is this peer's. False when that one has enough of them. */
  admitsPeer(peer: PeerId, connection: MultiaddrConnection): boolean {
    if (!this.#proven.has(connection)) this.#pending.take(hostOf(connection.remoteAddr))
    this.#proven.add(connection)
    const id = peer.toString()
    if (this.#peers.of(id) >= this.#limits.perPeer) return false
    this.#peers.add(id)
    whenClosed(connection, () => this.#peers.take(id))
    return true
  }
}

class Counter {
  readonly #counts = new Map<string, number>()

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1)
  }

  take(key: string): void {
    const left = this.of(key) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}

function whenClosed(connection: MultiaddrConnection, call: () => void): void {
  if (connection.status === 'open') connection.addEventListener('close', call, { once: true })
  else call()
}
