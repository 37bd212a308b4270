import { RegistryError } from '../oci/errors.ts'
import { checkConditions, parseConditions } from '../oci/conditions.ts'
import { addressKey } from '../oci/address-key.ts'
import { sendEmpty } from './answer.ts'
import { Pump } from './pump.ts'
import { matchesEtag, parseRange } from './range.ts'
import { NO_TURNS } from './turns.ts'
import type { Digest } from '../oci/digest.ts'
import type { ByteRange } from '../registry/ports.ts'
import type { ApiContext } from './context.ts'
import type { OpenBody } from './pump.ts'

/** Content that can be sent whole or in part. */
export interface Sendable {
  digest: Digest
  mediaType: string
  /** Bytes. */
  size: number
  /** As `Content.isWholeFirst`. */
  isWholeFirst?: boolean
  /** @param how `piece`: as of `Content.open` */
  open(range: ByteRange | undefined, how: { piece?: number | undefined }): AsyncIterable<Uint8Array>
  /** As of `Content`. */
  hold?(): Disposable | undefined
}

/**
 * Answers GET and HEAD of content: conditional (RFC 9110 13.1.1, 13.1.2), in part (14), and without a body for HEAD.
 *
 * @param stallMs a reader that takes nothing for so many ms is cut off
 * @param turns whose memory is used; none is needed for what is in memory anyhow
 * @throws RegistryError DENIED with 412; RANGE_INVALID; whatever `open` throws
 */
export async function sendContent(
  ctx: ApiContext,
  content: Sendable,
  stallMs: number,
  turns = NO_TURNS,
): Promise<void> {
  const { digest, size } = content
  const etag = `"${digest}"`
  // What cannot be read of If-None-Match only costs the bytes; If-Match asks for nothing else than what it names.
  const conditions = parseConditions(ctx.req.headers['if-match'], undefined)
  if (conditions !== undefined) checkConditions(conditions, digest)
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
  const offset = range?.offset ?? 0
  const open: OpenBody = (part, how) =>
    content.open(part === undefined ? range : { ...part, offset: offset + part.offset }, how)
  // Also content of no bytes is opened: whether it really is that content is found out there.
  const isAtOnce = range === undefined && content.isWholeFirst === true
  const { allowance, signal } = ctx.state
  const client = addressKey(ctx.state.client.address)
  const pace = allowance?.downloads
  const options = { length, isAtOnce, stallMs, signal, turns, client, counter, pace }
  using _ = content.hold?.() // a reader that is slow has it opened again and again
  await new Pump(ctx.res, open, options).run()
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
