import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { call } from './http.ts'
import { merge } from './merge.ts'
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'

const LAUNCHER = join(import.meta.dirname, '../../bin/heliport.cjs')

/** Lines of the log that are kept. */
export const MAX_LOG_LINES = 2000

/** How often a start is tried whose port somebody else has. */
const PORT_ATTEMPTS = 30

/** With `HELIPORT_TEST_LOG=1` everything that the daemons write is shown as well, for finding out why a test fails. */
const shown = process.env['HELIPORT_TEST_LOG'] === '1'

/** How a real daemon is started. */
export interface DaemonOptions {
  /** The data directory, which is then left in place; without it a temporary one that {@link DaemonProcess.remove} removes. */
  data?: string
  /** IPNS names to read through, in order, or sections as in `ipns.readOnlyKeys`. */
  mirrors?: readonly (string | { readonly key: string; readonly deadline: string })[]
  /** Where it runs, if not on this host. */
  place?: DaemonPlace
  /** Multiaddrs with `/p2p/…` to stay connected to. */
  peers?: readonly string[]
  /** More of the configuration, over the built-in: mode `offline`, free ports on loopback, JSON log. */
  config?: Readonly<Record<string, unknown>>
  /** More environment variables. */
  env?: Readonly<Record<string, string>>
  /** How long the daemon may take to serve, in milliseconds. */
  timeout?: number
  /** A program, with its arguments, that sets something up and becomes the daemon. */
  under?: readonly string[]
  /** Options for Node itself, such as `--import=<hook>`. */
  nodeOptions?: readonly string[]
}

/** Another host than this one, where a daemon may run. */
export interface DaemonPlace {
  /** What starts a program there, under its own pid. */
  readonly inside: readonly [string, ...string[]]
  /** `host:port` of its registry API, there. */
  readonly http: string
  /** How we reach that. */
  readonly url: string
  /** The multiaddr that its node listens on. */
  readonly listen: string
}

/** `GET /api/v1/status`, as far as tests look at it. */
export interface DaemonStatus {
  peerId: string
  addresses: string[]
  ipns: {
    name: string
    root: string | null
    publishedRoot: string | null
    sequence: number
    pending: boolean
    error: string | null
  } | null
  mirrors: {
    name: string
    root: string | null
    sequence: number | null
    state: string
    error: string | null
  }[]
  network: {
    mode: string
    peers: { id: string; address: string }[]
    unreachable: { address: string; since: string; error: string }[]
  }
  storage: {
    root: string
    writable: boolean
    uploads: number
    gc: { last: { startedAt: string } | null; error: string | null }
  }
}

/** How a process ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

type Child = ChildProcessByStdio<null, Readable, Readable>

/** What must not outlive a test run that dies: the daemons and their directories. */
const running = new Set<ChildProcess>()
const directories = new Set<string>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/**
 * A real daemon in a process of its own, with everything on loopback:
 * `await using a = await DaemonProcess.start()`.
 * After a {@link stop} or {@link kill}, {@link restart} brings it back on the same data and the same addresses.
 */
export class DaemonProcess implements AsyncDisposable {
  readonly data: string
  /** The configuration file. */
  readonly configFile: string
  /** What the daemon wrote, the last lines of it. */
  readonly log: string[] = []
  /** `127.0.0.1:<port>`, as image names begin. */
  host = ''
  /** Its IPNS name; empty on a read-only node. */
  ipnsName = ''
  /** Its multiaddr with `/p2p/…`, for the `peers` of others. */
  peerAddress = ''
  /** Milliseconds from the start of the process until it served. */
  readyAfter = 0
  readonly #options: DaemonOptions
  readonly #directory: string
  #scheme = 'http'
  #child: Child | undefined
  #exited: Promise<Exit> | undefined

  private constructor(options: DaemonOptions, directory: string) {
    this.#options = options
    this.#directory = directory
    this.data = options.data ?? join(directory, 'data')
    this.configFile = join(directory, 'heliport.yaml')
  }

  /** Starts a daemon and waits until it serves. @throws with its log when it does not */
  static async start(options: DaemonOptions = {}): Promise<DaemonProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'heliport-'))
    directories.add(directory)
    const daemon = new DaemonProcess(options, directory)
    try {
      await daemon.restart()
      return daemon
    } catch (error) {
      await daemon.remove()
      throw error
    }
  }

  /** The process that signals go to. */
  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Where the registry API is. */
  get url(): string {
    return this.#options.place?.url ?? `${this.#scheme}://${this.host}`
  }

  /** Starts it again, with changes to its configuration if there are any. */
  async restart(config: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (this.#child !== undefined) throw new Error('the daemon runs')
    await writeFile(this.configFile, JSON.stringify(this.#config(config), null, 2))
    const began = await this.#serves()
    this.readyAfter = performance.now() - began
    // Where users are asked who they are, only those who administer are told.
    const { addresses = [], ipns } = (await this.status()) as Partial<DaemonStatus>
    this.ipnsName = ipns?.name ?? ''
    const own = this.#options.place?.listen ?? '/ip4/127.'
    this.peerAddress = addresses.find((address) => address.startsWith(own)) ?? ''
  }

  /** @returns when the start that came to pass began */
  async #serves(): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const began = performance.now()
      const kept = this.log.length
      const child = this.#spawn()
      try {
        await Promise.race([this.#served(child), this.#died(), this.#late()])
        return began
      } catch (error) {
        await this.kill()
        // While it was away, any connection of this machine may have got its port.
        const isTaken = this.log.slice(kept).some((line) => line.includes('already in use'))
        if (this.host !== '' && isTaken && attempt < PORT_ATTEMPTS) {
          await pause(1000)
          continue
        }
        const log = this.log.slice(-40).join('\n')
        throw new Error(`the daemon did not start:\n${log}`, { cause: error })
      }
    }
  }

  /** Starts it again where it will say that it is not ready, which a read-only one does. */
  async restartUnready(): Promise<void> {
    if (this.#child !== undefined) throw new Error('the daemon runs')
    await Promise.race([this.#listens(this.#spawn()), this.#died(), this.#late()])
  }

  async status(): Promise<DaemonStatus> {
    // By the socket, as the commands do: over HTTP only administrators get it in full.
    const socketPath = (await this.lock())?.socket
    if (socketPath === undefined) throw new Error('the daemon does not run')
    const answer = await call({ socketPath }, 'GET', '/api/v1/status')
    if (answer.status !== 200) throw new Error(`the status is ${answer.status}`)
    return answer.json() as DaemonStatus
  }

  /** Asks until the status is as wanted. @throws with the last status after the timeout */
  async until(
    wanted: (status: DaemonStatus) => boolean,
    { timeout = 30_000 }: { timeout?: number } = {},
  ): Promise<DaemonStatus> {
    const end = performance.now() + timeout
    for (;;) {
      const status = await this.status()
      if (wanted(status)) return status
      if (performance.now() > end)
        throw new Error(`still not as wanted after ${timeout} ms: ${JSON.stringify(status)}`)
      await pause(50)
    }
  }

  /** SIGTERM, and waits for its end. */
  stop(): Promise<Exit> {
    return this.#end('SIGTERM')
  }

  /** SIGKILL: nothing is closed, nothing is flushed. */
  kill(): Promise<Exit> {
    return this.#end('SIGKILL')
  }

  /** How it ended; waits for it. */
  exited(): Promise<Exit> {
    return this.#exited ?? Promise.reject(new Error('the daemon was not started'))
  }

  /** Ends the process and removes what was temporary. */
  async remove(): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true, force: true })
    directories.delete(this.#directory)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove()
  }

  async #end(signal: NodeJS.Signals): Promise<Exit> {
    this.#child?.kill(signal)
    return this.#exited ?? { code: null, signal: null }
  }

  /** Ports that were free at first are kept, so that others find us where we were. */
  #config(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const { mirrors = [], peers = [], config = {}, place } = this.#options
    const free = place?.listen ?? '/ip4/127.0.0.1/tcp/0'
    const listen = this.peerAddress.replace(/\/p2p\/.*$/, '') || free
    const built = {
      http: { addr: this.host || (place?.http ?? '127.0.0.1:0') },
      // In a network namespace that was made for the test.
      ...(place === undefined ? {} : { auth: { openToAll: true } }),
      storage: { path: this.data },
      ipns: { readOnlyKeys: mirrors },
      network: { mode: 'offline', listen: [listen], peers },
      log: { format: 'json' },
    }
    return merge(merge(built, config), changes)
  }

  #spawn(): Child {
    const { nodeOptions = [], env = {}, place, under = [] } = this.#options
    const serve = [...nodeOptions, LAUNCHER, 'serve', '--config', this.configFile]
    const [command, ...args] = [...(place?.inside ?? []), ...under, process.execPath, ...serve]
    const child = spawn(command ?? process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...plainEnvironment(), ...env },
    })
    this.#child = child
    running.add(child)
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => this.#keep(line))
    this.#exited = once(child, 'close').then(([code, signal]: unknown[]) => {
      running.delete(child)
      this.#child = undefined
      return { code, signal } as Exit
    })
    return child
  }

  #keep(line: string): void {
    if (line.includes('"path":"/api/v1/status"')) return // our own asking is no news
    if (shown) process.stderr.write(`${this.#child?.pid ?? 'ended'} ${line}\n`)
    this.log.push(line)
    if (this.log.length > MAX_LOG_LINES) this.log.shift()
  }

  /** The lock says where it listens, and by its pid that it is not an older one's; `/readyz` that it serves. */
  async #served(child: Child): Promise<void> {
    await this.#listens(child)
    const socketPath = (await this.lock())?.socket
    if (socketPath === undefined) return // it has died, and whoever waits is told of that
    // By the socket: whoever speaks TLS has a certificate that only its clients know.
    const answer = await call({ socketPath }, 'GET', '/readyz')
    if (answer.status !== 200) throw new Error(`not ready: ${answer.body.toString()}`)
  }

  async #listens({ pid }: Child): Promise<void> {
    for (;;) {
      const lock = await this.lock()
      if (lock?.pid === pid && lock?.http !== undefined) {
        const [, scheme = 'http', host = lock.http] = /^(https?):\/\/(.+)$/.exec(lock.http) ?? []
        this.#scheme = scheme
        this.host = host
        break
      }
      if (this.#child === undefined) return // it has died, and whoever waits is told of that
      await pause(10)
    }
  }

  /** What its `lock` file says. */
  async lock(): Promise<{ pid?: number; http?: string; socket?: string } | undefined> {
    try {
      return JSON.parse(await readFile(join(this.data, 'lock'), 'utf8')) as { pid?: number }
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  async #died(): Promise<never> {
    const { code, signal } = await this.exited()
    throw new Error(`the daemon ended with ${signal ?? code}`)
  }

  async #late(): Promise<never> {
    const { timeout = 30_000 } = this.#options
    await pause(timeout, undefined, { ref: false })
    throw new Error(`the daemon does not serve after ${timeout} ms`)
  }
}

/** Ours, without what would configure the daemon. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const mine = Object.entries(process.env)
  return Object.fromEntries(mine.filter(([name]) => !/^(REGISTRY|HELIPORT)_/.test(name)))
}
