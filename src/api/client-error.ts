import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { RegistryError } from '../oci/errors.ts'
import { errorBody } from './errors.ts'
import { LINGER_BYTES, LINGER_MS } from './linger.ts'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What Node's parser found, and the status for it; anything else is 400. */
const STATUS: Record<string, { status: number; message: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'the request line and headers are too long' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'the chunk extensions are too long' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'the request headers took too long' },
}

/** What was said to something that is no request. */
export interface Answered {
  /** As in the answer's `X-Request-Id`. */
  readonly id: string
  readonly status: number
  readonly why: string
}

/** Connections that have had their answer, and how much had been read of each by then. */
const answered = new WeakMap<Socket, number>()

/**
 * Answers what is not HTTP and closes the connection: no second request is read from it.
 *
 * @param pending responses not finished on this connection
 * @returns what was answered; `undefined` when nothing was
 */
export function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
  pending: ReadonlySet<ServerResponse>,
): Answered | undefined {
  const readBefore = answered.get(socket)
  if (readBefore !== undefined) {
    // More of what the parser has stopped at. It reads no request out of that any more.
    if (socket.bytesRead - readBefore > LINGER_BYTES) socket.destroy()
    return undefined
  }
  // What follows a request with `Connection: close` is not read, and the answers before it are still due (RFC 9112 9.6).
  if (error.code === 'HPE_CLOSED_CONNECTION' && pending.size > 0) return undefined
  // With one response open the mistake is in the body of its request. With several, or when it has begun,
  // bytes of ours could be taken for a part of another answer.
  const [first] = pending
  const clean = pending.size === 0 || (pending.size === 1 && first?.headersSent === false)
  if (error.code === 'ECONNRESET' || !socket.writable || !clean) {
    socket.destroy()
    return undefined
  }
  const { status, message } = STATUS[error.code ?? ''] ?? {
    status: 400,
    message: 'the request is not well-formed HTTP',
  }
  const id = randomUUID()
  socket.end(rawAnswer(new RegistryError('UNSUPPORTED', { status, message }), id))
  if (error.code?.startsWith('HPE_')) linger(socket)
  else socket.destroySoon() // whoever was too slow must not get a request through now
  return { id, status, why: message }
}

/** Answers what is no request here, and closes the connection, so that the client sees the answer. */
export function endWith(socket: Socket, error: RegistryError): void {
  socket.end(rawAnswer(error, randomUUID()))
  linger(socket)
}

/** Reads on for a while: a client that is not done writing would lose the answer to a reset. */
function linger(socket: Socket): void {
  answered.set(socket, socket.bytesRead)
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('end', () => socket.destroy())
  socket.once('close', () => clearTimeout(timer))
}

function rawAnswer(error: RegistryError, id: string): string {
  const body = JSON.stringify(errorBody(error))
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${id}`,
    '',
    body,
  ].join('\r\n')
}
