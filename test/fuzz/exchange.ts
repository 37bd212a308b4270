import { setImmediate as turn } from 'node:timers/promises'
import { awaitsContinue, encode } from './render.ts'
import type { Request } from './render.ts'
import type { WireAnswer } from './wire-answer.ts'
import type { WireConnection } from './wire-connection.ts'

/** Sends a request as its plan has it, and reads the answer. @throws as {@link WireConnection.answer} */
export async function exchange(connection: WireConnection, request: Request): Promise<WireAnswer> {
  const { head, body } = encode(request)
  if (awaitsContinue(request)) {
    connection.write(head)
    if (await connection.continues()) connection.write(body)
    return connection.answer(request.method)
  }
  const bytes = Buffer.concat([head, body])
  const size = Math.ceil(bytes.length / request.pieces)
  for (let at = 0; at < bytes.length; at += size) {
    connection.write(bytes.subarray(at, at + size))
    if (request.pieces > 1) await turn()
  }
  return connection.answer(request.method)
}

/** A head that is longer may be too long, and what cannot be read takes the answers before it along. */
const LONG_HEAD = 8 * 1024
/** A body that is longer is not read to its end when it is refused: the connection ends then. */
const LONG_BODY = 64 * 1024

/**
 * What may be sent at once. Nothing follows a request after whose answer the server may close: one that says it is the
 * last, whose body is long or does not tell its length, or that expects something. Who goes on writing then can lose the
 * answer to a reset (RFC 9112 9.6). And what follows a wish for another protocol is lost in Node's parser (24.21), which
 * no client minds: it waits for the answer first.
 */
export function untilLast(all: readonly Request[]): readonly Request[] {
  const requests = all.filter((request) => encode(request).head.length < LONG_HEAD)
  const last = requests.findIndex(({ headers, body, hasBody, framing }) => {
    const ends = headers.some(
      ([name, value]) =>
        name === 'Expect' || (name === 'Connection' && /close|upgrade/i.test(value)),
    )
    return ends || body.length > LONG_BODY || (hasBody && framing === 'chunked')
  })
  return last === -1 ? requests : requests.slice(0, last + 1)
}
