import { randomUUID } from 'node:crypto'
import { RegistryError } from '../oci/errors.ts'
import { awaitsContinue, hasBody } from './body.ts'
import { errorBody } from './errors.ts'
import { discard } from './linger.ts'
import type { ServerResponse } from 'node:http'

/** Seconds after which a client may try again what was refused for want of room. */
const RETRY_AFTER = '5'

/**
 * Answers a request that does not get as far as the application, and closes the connection. Of its body only so much is
 * read that the client sees the answer.
 *
 * @returns the request's id, as in its `X-Request-Id`
 */
export function refuse(res: ServerResponse, error: RegistryError): string {
  const { req } = res
  const id = randomUUID()
  const body = Buffer.from(JSON.stringify(errorBody(error)))
  res.writeHead(error.status, {
    Connection: 'close',
    'Content-Length': body.length,
    'Content-Type': 'application/json',
    ...(error.status === 503 || error.status === 429 ? { 'Retry-After': RETRY_AFTER } : {}),
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': id,
  })
  if (req.complete || !hasBody(req) || awaitsContinue(req)) {
    res.end(body)
    return id
  }
  res.write(body)
  void discard(req).then(() => res.end())
  return id
}

/** The error for a registry that cannot take requests now. */
export function unavailable(message: string): RegistryError {
  return new RegistryError('UNAVAILABLE', { message })
}
