import { RegistryError } from '../oci/errors.ts'

/** Why the lane takes nothing, as its callers are told. */
export function stoppedError(cause: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', {
    message:
      'the registry takes no changes, because its disk failed or lost something; its log says what to do',
    cause,
  })
}
