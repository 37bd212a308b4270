import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { buffer, text } from 'node:stream/consumers'
import { CommandError } from './io.ts'
import type { IncomingMessage, RequestOptions } from 'node:http'

/** A daemon that says nothing for this long is stuck: what takes long tells how far it is, twice a second. */
const SILENCE_MS = 60_000

/** JSON as it came: every use of it checks what it needs. */
export type Json = Readonly<Record<string, unknown>>

/** Speaks HTTP to the daemon over its Unix socket. */
export class ControlClient {
  readonly #socketPath: string
  readonly #signal: AbortSignal

  constructor(socketPath: string, signal: AbortSignal) {
    this.#socketPath = socketPath
    this.#signal = signal
  }

  /** Whether somebody answers at the socket. */
  async answers(): Promise<boolean> {
    try {
      const response = await this.#send('GET', '/healthz')
      response.resume()
      return true
    } catch (error) {
      if (isNobody(error)) return false
      throw error
    }
  }

  /** @throws CommandError with the daemon's own words when it refuses */
  async get(path: string): Promise<Json> {
    const response = await this.#ask('GET', path)
    return parseObject(await whole(text(response)))
  }

  /** @throws CommandError */
  async post(path: string, body: Json): Promise<Uint8Array> {
    const response = await this.#ask('POST', path, body)
    return await whole(buffer(response))
  }

  /**
   * Posts, and gives the answer's lines of JSON as they come.
   *
   * @throws CommandError also for a line that reports a failure
   */
  async *lines(path: string, body: Json): AsyncGenerator<Json> {
    const response = await this.#ask('POST', path, body)
    const lines = createInterface({ input: response, crlfDelay: Infinity })[Symbol.asyncIterator]()
    for (
      let next = await whole(lines.next());
      next.done !== true;
      next = await whole(lines.next())
    ) {
      if (next.value.trim() === '') continue
      const value = parseObject(next.value)
      const failure = failureIn(value)
      if (failure !== undefined) throw new CommandError(failure)
      yield value
    }
    this.#signal.throwIfAborted()
  }

  async #ask(method: string, path: string, body?: Json): Promise<IncomingMessage> {
    const response = await this.#send(method, path, body)
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    const answer = await whole(text(response))
    throw new CommandError(refusal(answer) ?? `the daemon answered ${status} to ${method} ${path}`)
  }

  #send(method: string, path: string, body?: Json): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const options: RequestOptions = {
      socketPath: this.#socketPath,
      method,
      path,
      signal: this.#signal,
      agent: false,
      timeout: SILENCE_MS,
      headers: {
        Host: 'localhost',
        ...(payload !== undefined && {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(payload),
        }),
      },
    }
    return new Promise((resolve, reject) => {
      const sent = request(options, resolve)
      sent.on('timeout', () =>
        sent.destroy(new CommandError(`the daemon was silent for ${SILENCE_MS / 1000} s`)),
      )
      sent.on('error', reject)
      sent.end(payload)
    })
  }
}

/** Waits for a part of an answer. An answer that breaks off is the daemon's end, not a defect of ours. */
async function whole<T>(part: Promise<T>): Promise<T> {
  try {
    return await part
  } catch (error) {
    if (codeOf(error) !== 'ECONNRESET') throw error
    throw new CommandError('the daemon closed the connection before it was done', { cause: error })
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** Nobody listens: the socket is not there, or a daemon that was killed left it behind. */
function isNobody(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR' || code === 'ENOTSOCK'
}

function parseObject(line: string): Json {
  try {
    return asObject(JSON.parse(line))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new CommandError(
      'the daemon sent something that is not JSON: is it of another version?',
      { cause: error },
    )
  }
}

function asObject(value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw new CommandError('the daemon sent something unexpected: is it of another version?')
}

/** The daemon's words in an error answer: the body of the OCI API, or `{"error": "…"}`. */
function refusal(answer: string): string | undefined {
  try {
    return failureIn(asObject(JSON.parse(answer)))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof CommandError) return undefined
    throw error
  }
}

function failureIn(value: Json): string | undefined {
  const { error, errors } = value
  if (typeof error === 'string') return error
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  if (typeof first !== 'object' || first === null || !('message' in first)) return undefined
  return String(first.message)
}
