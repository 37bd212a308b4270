import type { Logger } from 'pino'
import type { CID } from 'multiformats/cid'
import type { IpfsNode } from '../ipfs/node.ts'

/** One announcement takes up to a minute on the public DHT; one that takes longer is given up. Milliseconds. */
const PROVIDE_TIMEOUT = 3 * 60_000

/**
 * Tells the public DHT which roots are here, one at a time and only the newest of those that wait. Does nothing in the
 * other network modes. Nothing depends on it: who is connected, or follows the signed addresses, finds us anyway.
 */
export class Provider implements AsyncDisposable {
  readonly #node: Pick<IpfsNode, 'provide'>
  readonly #log: Logger
  readonly #stop = new AbortController()
  #waiting: CID | undefined
  #running: Promise<void> | undefined

  constructor(node: Pick<IpfsNode, 'provide'>, log: Logger) {
    this.#node = node
    this.#log = log.child({ room: 'ipfs' })
  }

  /** Returns at once. */
  provide(root: CID): void {
    this.#waiting = root
    this.#running ??= this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting !== undefined && !this.#stop.signal.aborted) {
      const root = this.#waiting
      this.#waiting = undefined
      // AbortSignal.timeout would leave a timer of that length behind for each root.
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(), PROVIDE_TIMEOUT)
      try {
        const signal = AbortSignal.any([this.#stop.signal, late.signal])
        await this.#node.provide(root, { signal })
      } catch (error) {
        if (!this.#stop.signal.aborted)
          this.#log.debug({ err: error }, 'a root could not be provided')
      } finally {
        clearTimeout(timer)
      }
    }
    this.#running = undefined
  }
}
