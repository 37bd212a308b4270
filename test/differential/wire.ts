import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** One request, as it goes to one of the two registries. */
export interface Request {
  readonly method: string
  /** Path and query, exactly as written. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
  /** Sends the body without announcing its length. */
  readonly chunked?: boolean
}

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What requests can be sent to. */
export interface Sender {
  /** Sends a request and reads the whole answer. @throws when there is none */
  send(what: Request): Promise<Answer>
}

/** The connections to one registry. */
export class Wire implements Sender, Disposable {
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 })

  constructor(host: string) {
    this.host = host
  }

  async send(what: Request): Promise<Answer> {
    try {
      return await this.#send(what)
    } catch (error) {
      // A connection that the server closed at the moment when we took it up again: it has read nothing of this.
      if (error instanceof StaleConnection) return this.#send(what)
      throw error
    }
  }

  async #send({ method, path, headers, body, chunked = false }: Request): Promise<Answer> {
    const [host, port] = this.host.split(':')
    const framing: Record<string, string | number> =
      body === undefined || chunked ? {} : { 'Content-Length': body.length }
    const req = request({
      host,
      port,
      method,
      path,
      headers: { Host: this.host, ...headers, ...framing },
      agent: this.#agent,
    })
    if (chunked && body !== undefined) req.write(body)
    req.end(chunked ? undefined : body)
    const res = await response(req)
    // A server may answer and close before it has read all of the body; the answer is what counts.
    req.on('error', () => undefined)
    const chunks = (await res.toArray()) as Buffer[]
    return { status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

class StaleConnection extends Error {
  static override readonly name = 'StaleConnection'
  override readonly name = 'StaleConnection'
}

async function response(req: ReturnType<typeof request>): Promise<IncomingMessage> {
  try {
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    return res
  } catch (error) {
    if (
      req.reusedSocket &&
      error instanceof Error &&
      'code' in error &&
      error.code === 'ECONNRESET'
    )
      throw new StaleConnection('the connection had been closed', { cause: error })
    throw error
  }
}
