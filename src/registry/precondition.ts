import { checkConditions } from '../oci/conditions.ts'
import { RegistryError } from '../oci/errors.ts'
import { ChangedMeanwhile } from './changed-meanwhile.ts'
import type { Conditions } from '../oci/conditions.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Overlay } from './overlay.ts'
import type { Abortable, RegistryReader } from './ports.ts'

/** What a request addresses. */
export type Addressed = { readonly name: RepositoryName } & (
  | { readonly kind: 'tag'; readonly what: Tag }
  | { readonly kind: 'manifest' | 'blob'; readonly what: Digest }
)

/**
 * The condition under which something may be changed (RFC 9110 13.1). It is about what clients see: our own tree, else
 * the mirrors, so that who has read a tag can change it on that condition, wherever it is from.
 *
 * Mirrors are asked beforehand, since nothing in the commit lane may wait for the network; our own tree is asked again
 * inside the edit. So of all who change something on the same condition only one does.
 */
export class Precondition {
  readonly #overlay: Overlay
  readonly #addressed: Addressed
  readonly #conditions: Conditions
  readonly #seen: Seen

  private constructor(
    overlay: Overlay,
    addressed: Addressed,
    { conditions, seen }: { conditions: Conditions; seen: Seen },
  ) {
    this.#overlay = overlay
    this.#addressed = addressed
    this.#conditions = conditions
    this.#seen = seen
  }

  /** Looks what there is. @returns `undefined` when there is no condition */
  static async look(
    overlay: Overlay,
    addressed: Addressed,
    conditions: Conditions | undefined,
    options: Abortable,
  ): Promise<Precondition | undefined> {
    if (conditions === undefined) return undefined
    const ours = await find(overlay.own(), addressed, options)
    const seen = ours
      ? { isOurs: true, digest: ours, isInDoubt: false }
      : await lookElsewhere(overlay, addressed, options)
    return new Precondition(overlay, addressed, { conditions, seen })
  }

  /** Says at once what would be said inside the edit, if nothing happens until then. @throws as {@link check} */
  checkSeen(): void {
    if (this.#seen.isInDoubt) throw inDoubt(this.#addressed.name)
    checkConditions(this.#conditions, this.#seen.digest)
  }

  /**
   * Stands inside the edit.
   *
   * @param own our own tree as the edit will change it
   * @throws RegistryError DENIED with 412; UNAVAILABLE when a mirror that may have it could not be asked; ChangedMeanwhile
   */
  async check(own: RegistryReader, options: Abortable = {}): Promise<void> {
    const ours = await find(own, this.#addressed, options)
    checkConditions(this.#conditions, ours ?? this.#elsewhere())
  }

  #elsewhere(): Digest | undefined {
    const { isOurs, digest, isInDoubt } = this.#seen
    const { name, kind, what } = this.#addressed
    if (isOurs) throw new ChangedMeanwhile(`${what} has gone from ${name}`)
    if (isInDoubt) throw inDoubt(name)
    // What mirrors had may have been deleted here since.
    if (digest === undefined || this.#overlay.hides(name, kind, what)) return undefined
    return this.#overlay.hides(name, 'manifest', digest) ? undefined : digest
  }
}

/** What there was before the edit. */
interface Seen {
  /** In our own tree; then mirrors do not matter. */
  readonly isOurs: boolean
  readonly digest: Digest | undefined
  /** A mirror that may have it could not be asked. */
  readonly isInDoubt: boolean
}

async function lookElsewhere(
  overlay: Overlay,
  addressed: Addressed,
  options: Abortable,
): Promise<Seen> {
  const reader = overlay.reader(addressed.name)
  const digest = await find(reader, addressed, options)
  const isUnheard = reader.absences.some(({ kind }) => kind === 'skipped' || kind === 'waiting')
  return { isOurs: false, digest, isInDoubt: digest === undefined && isUnheard }
}

async function find(
  reader: RegistryReader,
  { name, kind, what }: Addressed,
  options: Abortable,
): Promise<Digest | undefined> {
  switch (kind) {
    case 'tag':
      return reader.resolveTag(name, what, options)
    case 'manifest':
      return (await reader.manifest(name, what, options))?.digest
    case 'blob':
      return (await reader.blob(name, what, options))?.digest
  }
}

function inDoubt(name: RepositoryName): RegistryError {
  return new RegistryError('UNAVAILABLE', {
    message: 'a mirror that may have this could not be asked, and the request depends on it',
    detail: { name },
    headers: { 'Retry-After': '30' },
  })
}
