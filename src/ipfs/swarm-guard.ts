import { swarmProtector } from './swarm-cipher.ts'
import type { ConnectionProtector, MultiaddrConnection } from '@libp2p/interface'
import type { Log } from './logger.ts'

/** How often refused connections are told of. Milliseconds. */
const TOLD_EVERY = 60_000

/**
 * The lock on the doors of a private network, and who was kept out. Two sides with different keys exchange nonces and
 * then read noise from each other, so nothing says "wrong key": a connection that ends before its handshake did is one
 * that was refused.
 */
export class SwarmGuard {
  readonly protector: () => ConnectionProtector
  readonly #log: Log
  readonly #now: () => number
  readonly #proven = new WeakSet<MultiaddrConnection>()
  #stopped = false
  #toldAt = -Infinity
  /** Refused since it was last told. */
  #refused = 0

  /**
   * @param key 32 bytes
   * @param now milliseconds on a clock that does not jump
   */
  constructor(key: Uint8Array, log: Log, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
    this.protector = swarmProtector(key)
  }

  /** A connection is about to be tried. */
  watch(connection: MultiaddrConnection): void {
    const onClose = () => {
      if (!this.#stopped && !this.#proven.has(connection)) this.#tell(connection)
    }
    connection.addEventListener('close', onClose, { once: true })
  }

  /** Its handshake went through, under the key: the other side has it too. */
  admit(connection: MultiaddrConnection): void {
    this.#proven.add(connection)
  }

  /** Connections that end from now on were not refused. */
  stop(): Promise<void> {
    this.#stopped = true
    return Promise.resolve()
  }

  #tell({ remoteAddr, direction }: MultiaddrConnection): void {
    this.#refused++
    if (this.#now() - this.#toldAt < TOLD_EVERY) return
    const details = { address: remoteAddr.toString(), direction, refused: this.#refused }
    this.#log.warn(
      details,
      'a connection was refused: the other side has another swarm key, or none, or did not answer',
    )
    this.#toldAt = this.#now()
    this.#refused = 0
  }
}
