import { RegistryError } from '../oci/errors.ts'
import { errorBody } from './errors.ts'
import type { ServerResponse } from 'node:http'

/** Seconds after which a client may try again what was refused for want of room. */
const RETRY_AFTER = '5'

/** Answers a request that does not get as far as the application, and closes the connection: its body is not read. */
export function refuse(res: ServerResponse, error: RegistryError): void {
  const body = Buffer.from(JSON.stringify(errorBody(error)))
  res.writeHead(error.status, {
    Connection: 'close',
    'Content-Length': body.length,
    'Content-Type': 'application/json',
    ...(error.status === 503 ? { 'Retry-After': RETRY_AFTER } : {}),
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(body)
}

/** The error for a registry that cannot take requests now. */
export function unavailable(message: string): RegistryError {
  return new RegistryError('UNAVAILABLE', { message })
}
