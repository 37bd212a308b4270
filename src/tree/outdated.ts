import { RegistryError } from '../oci/errors.ts'
import type { RegistryReader, RegistrySource } from '../registry/ports.ts'

/** What to answer about something that the older state does not have. @param cause what was lost */
export function outdatedError(cause: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', {
    message: 'the newest state of the registry is not known, and the one before does not tell this',
    cause,
  })
}

/**
 * Our own tree while its newest state is not known, because the journal lost its end: what the older state has is served.
 * What it does not have may have been pushed since, so it is not "not there" (promise I3); nor does it know all of any
 * list, and a list that lacks a signature reads as if there was none.
 */
export class OutdatedSource implements RegistrySource {
  readonly name: string
  readonly #source: RegistrySource
  readonly #lost: () => unknown

  /** @param lost what was lost; `undefined` while nothing is, and then this is the source itself */
  constructor(source: RegistrySource, lost: () => unknown) {
    this.name = source.name
    this.#source = source
    this.#lost = lost
  }

  reader(): RegistryReader | undefined {
    const reader = this.#source.reader()
    const cause = this.#lost()
    if (reader === undefined || cause === undefined) return reader
    const known = async <T>(answer: Promise<T | undefined>): Promise<T> => {
      const found = await answer
      if (found !== undefined) return found
      throw outdatedError(cause)
    }
    const unknown = (): Promise<never> => Promise.reject(outdatedError(cause))
    return {
      source: reader.source,
      resolveTag: (...question) => known(reader.resolveTag(...question)),
      manifest: (...question) => known(reader.manifest(...question)),
      blob: (...question) => known(reader.blob(...question)),
      tags: unknown,
      repositories: unknown,
      referrers: unknown,
    }
  }
}
