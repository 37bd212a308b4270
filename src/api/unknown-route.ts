import { RegistryError } from '../oci/errors.ts'
import { allowedMethods } from './errors.ts'
import type { ApiMiddleware } from './context.ts'

/** Runs when no route answered: 405 when the path is one of ours with other methods, else 404. */
export function unknownRoute(): ApiMiddleware {
  return (ctx) => {
    if (allowedMethods(ctx).length > 0) {
      throw new RegistryError('UNSUPPORTED', { message: 'this address has no such method' })
    }
    throw new RegistryError('UNSUPPORTED', {
      status: 404,
      message: 'there is nothing at this address',
    })
  }
}
