import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { ChildProcessByStdio } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'

const running = new Set<Service>()
process.on('exit', () => {
  for (const service of running) service.signal('SIGKILL')
})

/** Somebody else's server in a process of its own, which is the only one it ever signals. */
export class Service {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #closed: Promise<unknown>
  #output = ''

  private constructor(child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#child = child
    this.#closed = once(child, 'close').finally(() => running.delete(this))
    // Whoever waits for it is told; nobody has to.
    this.#closed.catch(() => undefined)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-20_000)
      })
    }
    running.add(this)
  }

  /** Starts it, and waits until it answers. @throws with its output when it does not within a minute */
  static async start(
    command: string,
    args: readonly string[],
    answers: () => Promise<unknown>,
    env: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<Service> {
    signal?.throwIfAborted()
    const service = new Service(
      spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } }),
    )
    const end = performance.now() + 60_000
    for (;;) {
      try {
        await answers()
        return service
      } catch (error) {
        const { pid, exitCode } = service.#child
        const lives = pid !== undefined && exitCode === null
        if (lives && signal?.aborted !== true && performance.now() < end) await pause(10)
        else {
          await service.stop()
          throw new Error(`${command} does not serve (exit ${exitCode}):\n${service.#output}`, {
            cause: error,
          })
        }
      }
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** SIGTERM, and SIGKILL when that does not help; waits for its end. */
  async stop(): Promise<void> {
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), 20_000)
    try {
      await this.#closed
    } finally {
      clearTimeout(timer)
    }
  }
}

/** A port of loopback that is free now, for a server that cannot choose one by itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
