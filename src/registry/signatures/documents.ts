import { SingleFlight } from '../single-flight.ts'
import { claimedDocuments } from './artifact.ts'
import { TextCheck } from './text-check.ts'
import type { ManifestFacts } from '../../oci/manifest.ts'
import type { Abortable } from '../ports.ts'
import type { ClaimedDocument } from './artifact.ts'
import type { Place } from './evidence.ts'

/** Blobs remembered: some 2 MiB. */
const REMEMBERED = 10_000

/**
 * Proves that a manifest holds nothing but documents (signatures, attestations, bills of materials), by reading all that it
 * names: each blob once for all who ask at the same time, and piece by piece. What a blob is never changes, so it is
 * remembered.
 */
export class Documents {
  readonly #known = new Map<string, boolean>()
  readonly #flights = new SingleFlight<boolean | undefined>()

  /**
   * @returns false also when a part of it is not here, and so nobody knows
   * @throws what the reader throws: what could not be read now is not what it is not
   */
  async isNothingElse(place: Place, facts: ManifestFacts, options: Abortable): Promise<boolean> {
    const claimed = claimedDocuments(facts)
    if (claimed === undefined) return false
    for (const each of claimed) if (!(await this.#isTrue(place, each, options))) return false
    return true
  }

  async #isTrue(place: Place, claimed: ClaimedDocument, options: Abortable): Promise<boolean> {
    const key = `${claimed.form} ${claimed.blob.size} ${claimed.blob.digest}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const found = await this.#flights.run(
      `${place.name} ${key}`,
      (signal) => look(place, claimed, { signal }),
      options,
    )
    if (found === undefined) return false
    this.#remember(key, found)
    return found
  }

  #remember(key: string, found: boolean): void {
    this.#known.set(key, found)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break
      this.#known.delete(oldest)
    }
  }
}

/** `undefined` when it is not there. */
async function look(
  { reader, name }: Place,
  { blob, form }: ClaimedDocument,
  options: Abortable,
): Promise<boolean | undefined> {
  const content = await reader.blob(name, blob.digest, options)
  if (content === undefined) return undefined
  if (content.size !== blob.size) return false
  const check = new TextCheck(form)
  for await (const bytes of content.open(options)) if (!check.push(bytes)) return false
  return check.end()
}
