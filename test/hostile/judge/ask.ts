import { createHash } from 'node:crypto'
import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A client waits so long for the first byte, or for a word that there is none (C16). Milliseconds. */
export const FIRST_BYTE_MS = 30_000

/** A body may take longer: it is streamed, and a mirror may be slow without being silent. */
const WHOLE_MS = 150_000

/** Larger bodies are only hashed. */
const KEPT_BYTES = 8 * 2 ** 20

/** More is not taken of what nobody knows the size of. */
const MOST_BYTES = 64 * 2 ** 20

/** How a question is asked. */
export interface AskOptions {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** The size that the client knows from the manifest, in bytes: it hangs up when there is more. */
  readonly most?: number | undefined
}

/** What came of a question. */
export interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Whether the answer ended as it said it would: only such a one is believed. */
  readonly isComplete: boolean
  /** Hex of the sha256 and sha512 of what came. */
  readonly sha256: string
  readonly sha512: string
  readonly bytes: number
  /** The body, while it is not too large. */
  readonly body: Buffer | undefined
  /** Until the first byte of the body, or the whole answer when it is no success. */
  readonly firstByteMs: number
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Asks, and reads the answer as far as it comes. */
export async function ask(
  url: string,
  { method = 'GET', headers = {}, most = MOST_BYTES }: AskOptions = {},
): Promise<Got> {
  const began = performance.now()
  const { promise, resolve } = Promise.withResolvers<Got>()
  const parts: Buffer[] = []
  const hashes = { sha256: createHash('sha256'), sha512: createHash('sha512') }
  let [bytes, firstByteMs] = [0, Infinity]
  const end = (res: IncomingMessage | undefined, isComplete: boolean): void => {
    clearTimeout(first)
    clearTimeout(whole)
    resolve({
      status: res?.statusCode ?? 0,
      headers: res?.headers ?? {},
      isComplete,
      sha256: hashes.sha256.digest('hex'),
      sha512: hashes.sha512.digest('hex'),
      bytes,
      body: bytes <= KEPT_BYTES ? Buffer.concat(parts) : undefined,
      firstByteMs: Math.min(firstByteMs, performance.now() - began),
    })
  }
  const req = request(url, { method, headers, agent })
  const first = setTimeout(() => req.destroy(), FIRST_BYTE_MS + 15_000)
  const whole = setTimeout(() => req.destroy(), WHOLE_MS)
  let answer: IncomingMessage | undefined
  req.on('error', () => end(answer, false))
  req.on('response', (res) => {
    answer = res
    if (method === 'GET' && Number(res.headers['content-length']) > most && res.statusCode === 200)
      req.destroy()
    res.on('data', (chunk: Buffer) => {
      if (bytes > most) req.destroy()
      firstByteMs = Math.min(firstByteMs, performance.now() - began)
      clearTimeout(first)
      bytes += chunk.length
      hashes.sha256.update(chunk)
      hashes.sha512.update(chunk)
      if (bytes <= KEPT_BYTES) parts.push(chunk)
    })
    res.on('error', () => undefined) // `close` tells whether it was complete
    res.on('close', () => end(res, res.complete))
  })
  req.end()
  return promise
}
