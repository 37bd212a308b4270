import { RegistryError } from '../oci/errors.ts'
import type { ApiMiddleware } from './context.ts'

/**
 * Refuses encoded request bodies: bytes are kept exactly as sent, and a body that has to be inflated first is a bomb.
 */
export function refuseEncodings(): ApiMiddleware {
  return (ctx, next) => {
    const { 'content-encoding': content = 'identity', 'transfer-encoding': transfer = 'chunked' } =
      ctx.req.headers
    for (const [given, plain] of [
      [content, 'identity'],
      [transfer, 'chunked'],
    ] as const) {
      if (given.trim().toLowerCase() === plain || given.trim() === '') continue
      throw new RegistryError('UNSUPPORTED', {
        status: 415,
        message: 'request bodies are taken as they are, without an encoding',
      })
    }
    return next()
  }
}
