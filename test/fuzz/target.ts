import { mkdir, readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { collectOnce } from '../faults/collect-once.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { RegistryClient } from '../support/client.ts'
import { guardedConfig } from './guarded.ts'
import { INSPECTABLE, collectGarbage, isInspectorTalk } from './inspector.ts'
import { memoryOf } from './memory.ts'
import { HONEST_PASSWORD, HONEST_USER, TokenClient } from './token-client.ts'
import { USERS, USER_NAMES } from './users.ts'
import type { DaemonStatus } from '../support/daemon-process.ts'
import type { Memory } from './memory.ts'
import type { Address } from './wire-connection.ts'

/** Lines of the log of this level or above are faults of the daemon (pino: 50 is `error`). */
const FAULT = 50

/** What `ns` may name, and where that is kept: what everybody writes to, and what nobody may change. */
const NAMESPACES = { 'docker.io': 'fuzz', 'kept.example:5000': 'kept' }

/** How long what clients were told of is remembered, in ms: in an hour it would be that of all requests. */
const LEASE_MS = 60_000

/** Changes that are remembered: a check looks at the tree of each, for as long as its client waits. */
const RETENTION = { commits: 500, lease: `${LEASE_MS / 1000}s` }

/** The quiet before memory is measured, in ms: connections close, and LevelDB tidies up. */
const REST_MS = 3000

/** How long it may idle until its memory is back, in ms. */
const IDLE_MS = 60_000

/** How it finds out who asks (`auth.mode`): not at all, or by tokens, so that users have their rights. */
export type Mode = 'open' | 'token'

/** The daemon that is fuzzed: one real process. */
export class Target implements AsyncDisposable {
  readonly mode: Mode
  readonly daemon: DaemonProcess
  /** One that may do everything. */
  readonly client: RegistryClient
  readonly http: Address
  readonly control: Extract<Address, { path: string }>
  /** Where exports may be written. */
  readonly scratch: string
  readonly #clients: ReadonlyMap<string, RegistryClient>
  readonly #stack: AsyncDisposable

  private constructor(mode: Mode, daemon: DaemonProcess, socket: string, stack: AsyncDisposable) {
    this.mode = mode
    this.daemon = daemon
    this.client = clientOf(mode, daemon.url)
    this.#clients = new Map([
      [HONEST_USER, this.client],
      ...USER_NAMES.map((name) => [name, new TokenClient(daemon.url, name, USERS[name])] as const),
    ])
    this.http = { port: Number(new URL(daemon.url).port) }
    this.control = { path: socket }
    this.scratch = scratchOf(daemon)
    this.#stack = stack
  }

  static async start(mode: Mode = 'open'): Promise<Target> {
    await using stack = new AsyncDisposableStack()
    const guarded = mode === 'open' ? undefined : stack.use(await guardedConfig())
    const { http, ...more } = { http: {}, retention: RETENTION, ...guarded?.config }
    const daemon = await DaemonProcess.start({
      // Its log would be most of its work otherwise; what goes wrong is in it all the same.
      config: { ...more, log: { level: 'warn' }, http: { ...http, namespaces: NAMESPACES } },
      nodeOptions: INSPECTABLE,
    })
    stack.use(daemon)
    await mkdir(scratchOf(daemon))
    const lock = JSON.parse(await readFile(join(daemon.data, 'lock'), 'utf8')) as { socket: string }
    return new Target(mode, daemon, lock.socket, stack.move())
  }

  /** Whether the process lives. */
  get alive(): boolean {
    return this.daemon.pid !== 0
  }

  /** Its memory as it is; `undefined` when it does not live. */
  async memoryNow(): Promise<Memory | undefined> {
    try {
      return this.alive ? await memoryOf(this.daemon.pid) : undefined
    } catch (error) {
      if (this.alive) throw error
      return undefined // it has died meanwhile
    }
  }

  /** Its memory once it has nothing to do and all garbage is collected. */
  async memoryAtRest(): Promise<Memory> {
    await pause(REST_MS)
    const live = await collectGarbage(this.daemon)
    await this.pulse()
    return { ...(await memoryOf(this.daemon.pid)), live }
  }

  /**
   * Its memory once it is as wanted, or after a minute of idling whatever it is. Garbage is collected by nobody but the
   * daemon itself; only then it is looked at what is live.
   */
  async memoryOnceIdle(wanted: (memory: Memory) => boolean): Promise<Memory> {
    const end = performance.now() + IDLE_MS
    for (;;) {
      await pause(REST_MS)
      await this.pulse()
      const memory = await memoryOf(this.daemon.pid)
      if (wanted(memory) || performance.now() > end)
        return { ...memory, live: await collectGarbage(this.daemon) }
    }
  }

  /** Waits until nobody may rely on anything any more, and has that collected: only then it is forgotten. */
  async forgets(): Promise<void> {
    await pause(LEASE_MS)
    const { status, report, text } = await collectOnce(this.control.path)
    if (status !== 200 || report === undefined) throw new Error(`not collected: ${status} ${text}`)
  }

  /** What it complained of in its log. */
  get complaints(): string[] {
    return this.daemon.log.filter((line) => {
      if (isInspectorTalk(line)) return false
      const level = levelOf(line)
      return level === undefined || level >= FAULT
    })
  }

  /** How long it takes to say that it lives, in ms: its event loop turned meanwhile. */
  async pulse(): Promise<number> {
    const began = performance.now()
    await this.client.expect(200, 'GET', '/healthz')
    return performance.now() - began
  }

  /** The status, which can be read, and whose root can be written. */
  async status(): Promise<DaemonStatus> {
    const status = await this.daemon.status()
    if (!status.storage.writable || !/^baf/.test(status.storage.root))
      throw new Error(`the status says: ${JSON.stringify(status.storage)}`)
    return status
  }

  /**
   * Cancels upload sessions that are older than this many ms: those whose client went away before it was told of them.
   * They are for whoever comes back, so the daemon keeps them for a week.
   *
   * @returns how many
   */
  async cancelUploads(olderThan: number): Promise<number> {
    const directory = join(this.daemon.data, 'uploads')
    let cancelled = 0
    for (const id of await readdir(directory)) {
      const session = await headerOf(join(directory, id))
      if (session === undefined || session.startedAt > Date.now() - olderThan) continue
      const client = this.#clients.get(session.owner ?? '') ?? this.client
      const answer = await client.call('DELETE', `/v2/${session.name}/blobs/uploads/${id}`)
      if (answer.status === 204) cancelled++
      // Somebody else was quicker, or is at it.
      else if (![404, 416].includes(answer.status))
        throw new Error(`an upload could not be cancelled: ${answer.status}`)
    }
    return cancelled
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]()
  }
}

function clientOf(mode: Mode, url: string): RegistryClient {
  if (mode === 'open') return new RegistryClient(url)
  return new TokenClient(url, HONEST_USER, HONEST_PASSWORD)
}

function scratchOf({ configFile }: DaemonProcess): string {
  return join(dirname(configFile), 'exports')
}

interface SessionHeader {
  readonly name: string
  readonly startedAt: number
  readonly owner?: string
}

/** What the file of an upload session says of it. */
async function headerOf(path: string): Promise<SessionHeader | undefined> {
  try {
    const text = (await readFile(path)).toString('latin1', 0, 1000)
    const json = /\{.*?\}/.exec(text)?.[0]
    return json === undefined ? undefined : (JSON.parse(json) as SessionHeader)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The level of a line of the log; `undefined` for what is no line of it. */
function levelOf(line: string): number | undefined {
  try {
    return (JSON.parse(line) as { level?: number }).level
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
