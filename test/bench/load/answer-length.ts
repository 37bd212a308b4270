const END_OF_HEAD = Buffer.from('\r\n\r\n')
const NEXT_LINE = Buffer.from('\r\n')

/** An answer as far as it was received. */
export interface AnswerLength {
  readonly status: number
  /** Bytes of the whole, head and body. */
  readonly length: number
}

/**
 * How long the answer is that begins here (RFC 9112, §6): by `Content-Length`, or by its chunks.
 *
 * @returns undefined while that cannot be told
 * @throws Error when it has neither, so that only the end of the connection would tell
 */
export function answerLength(bytes: Buffer, isHead: boolean): AnswerLength | undefined {
  const end = bytes.indexOf(END_OF_HEAD)
  if (end === -1) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const body = end + END_OF_HEAD.length
  if (isHead || status === 204 || status === 304) return { status, length: body }
  const given = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (given !== undefined) return { status, length: body + Number(given) }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error(`no length: ${head}`)
  const length = chunksEnd(bytes, body)
  return length === undefined ? undefined : { status, length }
}

function chunksEnd(bytes: Buffer, from: number): number | undefined {
  for (let at = from; ;) {
    const line = bytes.indexOf(NEXT_LINE, at)
    if (line === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    at = line + NEXT_LINE.length + size + NEXT_LINE.length
    if (at > bytes.length) return undefined
    if (size === 0) return at
  }
}
