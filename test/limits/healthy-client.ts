import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'node:http'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'

/** Between two requests, in ms. */
const PAUSE_MS = 5

/** Asks for a manifest and for a small blob, again and again, on one connection, as a client does that pulls. */
export class HealthyClient implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #port: number
  readonly #paths: readonly string[]

  constructor(port: number, paths: readonly string[]) {
    this.#port = port
    this.#paths = paths
  }

  /** @returns how long each request took, in ms. @throws Error when one was not answered with 200 */
  async measure(forMs: number): Promise<number[]> {
    const end = performance.now() + forMs
    const took: number[] = []
    while (performance.now() < end)
      for (const path of this.#paths) {
        const began = performance.now()
        await this.#get(path)
        took.push(performance.now() - began)
        await pause(PAUSE_MS)
      }
    return took
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async #get(path: string): Promise<void> {
    const req = request({ host: '127.0.0.1', port: this.#port, path, agent: this.#agent })
    req.end()
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    for await (const _ of res) void _
    if (res.statusCode !== 200) throw new Error(`the healthy client got ${res.statusCode}`)
  }
}
