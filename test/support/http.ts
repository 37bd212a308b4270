import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { pino } from 'pino'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { createApp } from '../../src/api/app.ts'
import { listen } from '../../src/api/server.ts'
import { MemoryService } from './memory-service.ts'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { AppOptions } from '../../src/api/app.ts'
import type { Listener, ListenOptions } from '../../src/api/server.ts'

/** What came back. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** The body as JSON. */
  json: () => unknown
  /** The code of the first error in the body. */
  code: () => string | undefined
}

export interface CallOptions {
  headers?: Record<string, string | string[]>
  body?: Uint8Array | string
}

/** Sends one request on a connection of its own, with exactly these headers, and reads the whole answer. */
export async function call(
  target: { port: number } | { socketPath: string },
  method: string,
  path: string,
  { headers = {}, body }: CallOptions = {},
): Promise<Answer> {
  const agent = new Agent({ keepAlive: false })
  const where = 'port' in target ? { host: '127.0.0.1', ...target } : target
  const req = request({ ...where, method, path, headers, agent })
  req.end(body)
  const [res] = await once(req, 'response')
  // A server may answer and close before it has read all of the body; the answer is what counts.
  req.on('error', () => undefined)
  const chunks: Buffer[] = []
  for await (const chunk of res) chunks.push(chunk as Buffer)
  const whole = Buffer.concat(chunks)
  const json = (): unknown => JSON.parse(whole.toString('utf8'))
  const code = (): string | undefined =>
    (json() as { errors?: { code: string }[] }).errors?.[0]?.code
  return { status: res.statusCode, headers: res.headers, body: whole, json, code }
}

/** A connection on which a spec writes whatever bytes it wants. */
export class RawClient {
  readonly socket: Socket
  /** Everything received so far. */
  received = ''
  #waiting: (() => void)[] = []
  #closed = false

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.received += text
      this.#wake()
    })
    // A reset is one of the ways a server may close; `closed` is what the specs ask.
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  write(text: string | Uint8Array): this {
    this.socket.write(text)
    return this
  }

  /** Waits until what was received matches; rejects when the connection closes first. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      if (this.#closed) throw new Error(`closed before ${pattern}; received: ${this.received}`)
      await this.#more()
    }
    return this.received
  }

  /** Waits until the server has closed the connection, and gives all that was received. */
  async closed(): Promise<string> {
    while (!this.#closed) await this.#more()
    return this.received
  }

  destroy(): void {
    this.socket.destroy()
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }
}

/** One line of the log. */
export type LogLine = Record<string, unknown> & { level: number; msg: string }

/** A running HTTP room over a registry in memory. */
export interface TestApi {
  service: MemoryService
  port: number
  listener: Listener
  lines: LogLine[]
  call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  raw: () => RawClient
  close: () => Promise<void>
}

/** Starts the HTTP room on a free port of loopback. Limits are short, so that specs see them at work. */
export async function startApi(
  overrides: Partial<AppOptions> = {},
  door: Omit<ListenOptions, 'log' | 'path' | 'host' | 'port'> = {},
): Promise<TestApi> {
  const service = (overrides.service as MemoryService | undefined) ?? new MemoryService()
  const lines: LogLine[] = []
  const log = pino(
    { level: 'debug' },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  )
  const app = createApp({
    access: OPEN_ACCESS,
    isStatusOpen: true,
    hosts: [],
    status: () => ({ version: 'test' }),
    readiness: () => ({ ready: true }),
    log,
    version: 'test',
    ...overrides,
    service,
    limits: { blob: 64 * 1024 * 1024, ...overrides.limits },
  })
  const listener = await listen(app, { host: '127.0.0.1', port: 0, log, ...door })
  const port = listener.port!
  const clients: RawClient[] = []
  return {
    service,
    port,
    listener,
    lines,
    call: (method, path, options) => call({ port }, method, path, options),
    raw: () => {
      const client = new RawClient(port)
      clients.push(client)
      return client
    },
    close: async () => {
      for (const client of clients) client.destroy()
      await listener.close({ signal: AbortSignal.abort() })
    },
  }
}
