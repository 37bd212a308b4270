import { RegistryError } from '../oci/errors.ts'
import { sendEmpty } from './answer.ts'
import { matchesEtag, parseRange } from './range.ts'
import type { ServerResponse } from 'node:http'
import type { Digest } from '../oci/digest.ts'
import type { ByteRange } from '../registry/ports.ts'
import type { ApiContext } from './context.ts'

/** Content that can be sent whole or in part. */
export interface Sendable {
  digest: Digest
  mediaType: string
  /** Bytes. */
  size: number
  open(range: ByteRange | undefined): AsyncIterable<Uint8Array>
}

/**
 * Answers GET and HEAD of content: conditional (RFC 9110 13.1.2), in part (14), and without a body for HEAD.
 *
 * @param stallMs as {@link pump}
 * @throws RegistryError RANGE_INVALID; whatever `open` throws
 */
export async function sendContent(
  ctx: ApiContext,
  content: Sendable,
  stallMs: number,
): Promise<void> {
  const { digest, size } = content
  const etag = `"${digest}"`
  ctx.set({ 'Docker-Content-Digest': digest, ETag: etag, 'Accept-Ranges': 'bytes' })
  if (matchesEtag(ctx.req.headers['if-none-match'], etag)) return sendEmpty(ctx, 304)
  const range = requestedRange(ctx, etag, size)
  const length = range?.length ?? size
  ctx.status = range === undefined ? 200 : 206
  ctx.set({ 'Content-Type': content.mediaType, 'Content-Length': String(length) })
  if (range !== undefined) {
    ctx.set('Content-Range', `bytes ${range.offset}-${range.offset + length - 1}/${size}`)
  }
  if (ctx.method === 'HEAD') return
  ctx.respond = false
  const counter = (sent: number): void => void (ctx.state.sent = sent)
  // Also content of no bytes is opened: whether it really is that content is found out there.
  await pump(ctx.res, content.open(range), {
    length,
    stallMs,
    signal: ctx.state.signal,
    counter,
  })
}

function requestedRange(ctx: ApiContext, etag: string, size: number): ByteRange | undefined {
  const condition = ctx.req.headers['if-range']
  // Ranges are for GET alone (RFC 9110 14.2); If-Range compares strongly (13.1.5).
  if (ctx.method !== 'GET' || (condition !== undefined && condition !== etag)) return undefined
  const range = parseRange(ctx.req.headers.range, size)
  if (range !== 'unsatisfiable') return range
  throw new RegistryError('RANGE_INVALID', {
    message: 'the range is outside the content',
    headers: { 'Content-Range': `bytes */${size}` },
  })
}

/** How {@link pump} sends. */
interface PumpOptions {
  /** Bytes announced as Content-Length. */
  length: number
  /** A reader that takes nothing for so many ms is cut off. */
  stallMs: number
  /** Aborted when the connection closes. */
  signal: AbortSignal
  /** Told how many bytes have gone, after each chunk. */
  counter?: (sent: number) => void
}

/**
 * Sends a body piece by piece, no faster than the reader takes it, with one chunk in memory.
 *
 * A client must never take a body for complete whose source failed. Content-Length is announced, so an error after
 * the headers destroys the connection; and the chunk that would complete the body goes out only when
 * the source has ended well, because a source may find out at its end that the content was not what it claimed.
 * Before the first chunk nothing is sent, so that a failing source can still become an error answer.
 *
 * Own loop instead of Koa's or `stream.pipeline`: those buffer ahead and end the response when the source closes early.
 *
 * @throws what the source throws; an Error when it gives more or less than announced; AbortError when the client left
 */
async function pump(
  res: ServerResponse,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { length, stallMs, signal, counter }: PumpOptions,
): Promise<void> {
  let sent = 0
  let last: Uint8Array | undefined
  try {
    for await (const chunk of source) {
      signal.throwIfAborted()
      if (chunk.length === 0) continue
      if (sent + chunk.length > length || last !== undefined) throw wrongLength(length)
      if (sent + chunk.length === length) {
        last = chunk
        continue
      }
      await writeChunk(res, chunk, stallMs, signal)
      counter?.((sent += chunk.length))
    }
    if (sent + (last?.length ?? 0) !== length) throw wrongLength(length)
    signal.throwIfAborted()
    if (last !== undefined) await writeChunk(res, last, stallMs, signal)
    counter?.(length)
    res.end()
  } catch (error) {
    if (res.headersSent) res.destroy()
    throw error
  }
}

function wrongLength(length: number): Error {
  return new Error(`the source did not give the ${length} bytes that were announced`)
}

/** Writes a chunk and waits until the socket has taken it. Cuts a reader off that takes nothing for `stallMs`. */
export async function writeChunk(
  res: ServerResponse,
  chunk: Uint8Array,
  stallMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (res.write(chunk)) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = (): void => reject(signal.reason as Error)
  res.once('drain', resolve)
  signal.addEventListener('abort', onAbort, { once: true })
  // The socket's own timer knows how much of what was written is still queued, so a slow reader resets it; when it
  // fires, http destroys the socket. It is off while we wait for the source, which is not the reader's fault.
  res.socket?.setTimeout(stallMs)
  try {
    if (signal.aborted) onAbort()
    await promise
  } finally {
    res.off('drain', resolve)
    signal.removeEventListener('abort', onAbort)
    res.socket?.setTimeout(0)
  }
}
