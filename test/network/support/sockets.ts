import { setTimeout as pause } from 'node:timers/promises'
import { run } from '../../e2e/support/command.ts'

/** How often the kernel is asked, in ms: what a connection sends after the last time is not seen when it closes. */
const PERIOD_MS = 100

/** Bytes that a connection has sent, by what it is called. */
export type Sent = ReadonlyMap<string, number>

/**
 * Reads `ss --tcp --info --processes --no-header --oneline` (iproute2): what each connection of a process has sent, in
 * bytes of TCP's payload, with what was sent again.
 */
export function parseSockets(text: string, pid: number): Sent {
  const sent = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (!line.includes(`,pid=${pid},`)) continue
    const [local = '', remote = ''] = line.split(/\s+/).slice(3)
    const bytes = /\bbytes_sent:(\d+)/.exec(line)?.[1]
    sent.set(`${local} ${remote}`, Number(bytes ?? 0))
  }
  return sent
}

async function socketsOf(pid: number): Promise<Sent> {
  const args = ['--tcp', '--info', '--processes', '--no-header', '--oneline']
  return parseSockets(await run('ss', args), pid)
}

/** Counts what a process sends over TCP, by asking the kernel again and again. Linux with iproute2 only. */
export class SentCounter implements AsyncDisposable {
  readonly #pid: number
  readonly #isOurs: (connection: string) => boolean
  readonly #before: Sent
  readonly #last: Map<string, number>
  readonly #stop = new AbortController()
  readonly #watching: Promise<void>

  private constructor(pid: number, isOurs: (connection: string) => boolean, before: Sent) {
    this.#pid = pid
    this.#isOurs = isOurs
    this.#before = before
    this.#last = new Map(before)
    this.#watching = this.#watch()
    this.#watching.catch(() => undefined) // told to whoever stops it
  }

  /** @param isOurs which connections count, by `<local address>:<port> <remote address>:<port>` */
  static async start(pid: number, isOurs: (connection: string) => boolean): Promise<SentCounter> {
    return new SentCounter(pid, isOurs, await socketsOf(pid))
  }

  /** @returns the bytes that were sent since the start */
  async stop(): Promise<number> {
    this.#stop.abort()
    await this.#watching
    this.#take(await socketsOf(this.#pid))
    let bytes = 0
    for (const [connection, sent] of this.#last)
      if (this.#isOurs(connection)) bytes += sent - (this.#before.get(connection) ?? 0)
    return bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#watching.catch(() => undefined)
  }

  /** A connection that has closed keeps what was last seen of it. */
  #take(now: Sent): void {
    for (const [connection, sent] of now) this.#last.set(connection, sent)
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      this.#take(await socketsOf(this.#pid))
      await pause(PERIOD_MS)
    }
  }
}
