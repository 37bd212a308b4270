import { RegistryError } from '../oci/errors.ts'

/** The tree changed between the look-ups and the commit: look again. */
export class ChangedMeanwhile extends Error {
  static override readonly name = 'ChangedMeanwhile'
  override readonly name = 'ChangedMeanwhile'
}

/** Each means that somebody changed what we rely on in the few ms since we saw it. */
const ATTEMPTS = 5

/**
 * Looks and acts, and begins again when what was seen is not there any more at the deed.
 *
 * @throws RegistryError UNAVAILABLE when that goes on; what `attempt` throws
 */
export async function untilUnchanged<T>(attempt: () => Promise<T>): Promise<T> {
  for (let times = 1; ; times++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error
      if (times === ATTEMPTS) throw unavailable(error)
    }
  }
}

function unavailable(cause: Error): RegistryError {
  return new RegistryError('UNAVAILABLE', {
    message: 'what this depends on is being changed by others at this moment',
    cause,
    headers: { 'Retry-After': '1' },
  })
}
