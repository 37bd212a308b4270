import { RegistryError } from '../oci/errors.ts'
import { LeastRate } from './least-rate.ts'
import { rest } from './pace.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Throttle } from './pace.ts'

/** How a body is read. */
interface BodyOptions {
  /** The client may be silent for so long. */
  idleMs: number
  /** Bytes a second that it must bring, over the same time. */
  minUploadRate?: number
  /** What it must not bring more than. */
  pace?: Throttle | undefined
  /** Aborted when the connection closes. */
  signal?: AbortSignal
}

/** For a body without a request. */
const NEVER = new AbortController().signal

const continued = new WeakSet<IncomingMessage>()

/** Whether the client sends its body only after a `100 Continue`, and has not been given one. */
export function awaitsContinue(req: IncomingMessage): boolean {
  const expects =
    req.httpVersion === '1.1' && /(?:^|\W)100-continue(?:$|\W)/i.test(req.headers.expect ?? '')
  return expects && !continued.has(req)
}

/** The length a request announces, in bytes; `undefined` for a chunked one. */
export function contentLength(req: IncomingMessage): number | undefined {
  const length = req.headers['content-length']
  return length === undefined ? undefined : Number(length)
}

/** Whether a request has a body, perhaps an empty one if it is chunked. */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || (contentLength(req) ?? 0) > 0
}

/**
 * Streams a request's body. The client that waits for it gets its `100 Continue` when reading begins and not before,
 * so that whatever is refused earlier is never sent (RFC 9110 10.1.1).
 *
 * The times run only while we wait for the client, not while the consumer is busy or the client has to wait for us.
 *
 * @throws RegistryError BLOB_UPLOAD_INVALID with 408 when it is silent for too long, or too slow; the socket's error when
 *   it went away
 */
export async function* readBody(
  req: IncomingMessage,
  res: ServerResponse,
  { idleMs, minUploadRate = 0, pace, signal }: BodyOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (awaitsContinue(req)) {
    continued.add(req)
    res.writeContinue()
  }
  // Own loop instead of the stream's iterator: that one destroys the socket when the consumer stops early, and then
  // the client gets no answer. And a race of each chunk against one timer's promise would keep
  // every loser of it until the body ends.
  const least = new LeastRate(minUploadRate, idleMs)
  let wake = (): void => undefined
  const onEvent = (): void => wake()
  const events = ['readable', 'end', 'error', 'close'] as const
  for (const event of events) req.on(event, onEvent)
  try {
    for (;;) {
      const chunk = req.read() as Buffer | null
      if (chunk !== null) {
        least.got(chunk.length)
        const wait = pace?.take(chunk.length) ?? 0
        if (wait > 0) await rest(wait, signal ?? NEVER)
        yield chunk
      } else if (req.readableEnded) return
      else if (req.destroyed)
        throw req.errored ?? new Error('the connection closed inside the body')
      else {
        const began = performance.now()
        if (!(await woken(idleMs, (resolve) => (wake = resolve))))
          throw tooSlow(`no byte arrived for ${idleMs / 1000} s; what had arrived is kept`)
        if (least.isMissedAfter(performance.now() - began))
          throw tooSlow(`fewer than ${minUploadRate} bytes a second arrived; they are kept`)
      }
    }
  } finally {
    for (const event of events) req.off(event, onEvent)
  }
}

/** Waits for `onWake`'s callback to be called. False: it was not, for `ms`. */
function woken(ms: number, onWake: (wake: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    onWake(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

function tooSlow(message: string): RegistryError {
  return new RegistryError('BLOB_UPLOAD_INVALID', {
    status: 408,
    message,
    headers: { Connection: 'close' },
  })
}

/** What a body that is held in memory must bring on average, in bytes a second: no line in use is slower. */
const LEAST_RATE = 4096

/**
 * Reads a body into memory, up to a bound. Memory is shared by all who push, so a byte now and then is not enough to go
 * on: beyond `idleMs` it must come at {@link LEAST_RATE}, not counting what it has to wait for its pace.
 *
 * @param options.limit bytes; reading stops when there are more
 * @param options.tooLarge makes the error for that; also thrown before reading, when Content-Length tells it
 * @param options.reserve is told of every chunk's length before it is kept, and may throw
 */
export async function readWhole(
  req: IncomingMessage,
  res: ServerResponse,
  options: Omit<BodyOptions, 'minUploadRate'> & {
    limit: number
    tooLarge: () => Error
    reserve?: (bytes: number) => void
  },
): Promise<Uint8Array> {
  const { idleMs, limit, tooLarge, reserve, pace, signal = NEVER } = options
  if ((contentLength(req) ?? 0) > limit) throw tooLarge()
  const chunks: Uint8Array[] = []
  let began = performance.now()
  let size = 0
  for await (const chunk of readBody(req, res, { idleMs })) {
    size += chunk.length
    if (size > limit) throw tooLarge()
    const taken = performance.now() - began
    if (taken > idleMs && size < (taken / 1000) * LEAST_RATE)
      throw tooSlow('the body came too slowly')
    reserve?.(chunk.length)
    chunks.push(chunk)
    const wait = pace?.take(chunk.length) ?? 0
    if (wait === 0) continue
    const rested = performance.now()
    await rest(wait, signal)
    began += performance.now() - rested
  }
  return Buffer.concat(chunks, size)
}
