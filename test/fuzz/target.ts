import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { DaemonProcess } from '../support/daemon-process.ts'
import { RegistryClient } from '../support/client.ts'
import { INSPECTABLE, collectGarbage, isInspectorTalk } from './inspector.ts'
import { memoryOf } from './memory.ts'
import type { DaemonStatus } from '../support/daemon-process.ts'
import type { Memory } from './memory.ts'
import type { Address } from './wire-connection.ts'

/** Lines of the log of this level or above are faults of the daemon (pino: 50 is `error`). */
const FAULT = 50

/** What `ns` may name, and where that is kept: what everybody writes to, and what nobody may change. */
const NAMESPACES = { 'docker.io': 'fuzz', 'kept.example:5000': 'kept' }

/** The quiet before memory is measured, in ms: connections close, and LevelDB tidies up. */
const REST_MS = 3000

/** How long it may idle until its memory is back, in ms. */
const IDLE_MS = 60_000

/** The daemon that is fuzzed: one real process. */
export class Target implements AsyncDisposable {
  readonly daemon: DaemonProcess
  readonly client: RegistryClient
  readonly http: Address
  readonly control: Address

  private constructor(daemon: DaemonProcess, socket: string) {
    this.daemon = daemon
    this.client = new RegistryClient(daemon.url)
    this.http = { port: Number(new URL(daemon.url).port) }
    this.control = { path: socket }
  }

  static async start(): Promise<Target> {
    // Its log would be most of its work otherwise; what goes wrong is in it all the same.
    const daemon = await DaemonProcess.start({
      config: { log: { level: 'warn' }, http: { namespaces: NAMESPACES } },
      nodeOptions: INSPECTABLE,
    })
    try {
      const { socket } = JSON.parse(await readFile(join(daemon.data, 'lock'), 'utf8')) as {
        socket: string
      }
      return new Target(daemon, socket)
    } catch (error) {
      await daemon.remove()
      throw error
    }
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
      const answer = await this.client.call('DELETE', `/v2/${session.name}/blobs/uploads/${id}`)
      if (answer.status === 204) cancelled++
      // Somebody else was quicker, or is at it.
      else if (![404, 416].includes(answer.status))
        throw new Error(`an upload could not be cancelled: ${answer.status}`)
    }
    return cancelled
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.daemon.remove()
  }
}

/** What the file of an upload session says of it. */
async function headerOf(path: string): Promise<{ name: string; startedAt: number } | undefined> {
  try {
    const text = (await readFile(path)).toString('latin1', 0, 1000)
    const json = /\{.*?\}/.exec(text)?.[0]
    return json === undefined
      ? undefined
      : (JSON.parse(json) as { name: string; startedAt: number })
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
