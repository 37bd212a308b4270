import { RegistryError } from '../../oci/errors.ts'
import { isFallbackTag } from '../fallback-tag.ts'
import { Effort } from './evidence.ts'
import { isListOfReferrers } from './list-of-referrers.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Reference, RepositoryName } from '../../oci/name.ts'
import type { RepositorySet } from '../../oci/repository-pattern.ts'
import type { Abortable, Content } from '../ports.ts'
import type { Place } from './evidence.ts'
import type { SignatureGate } from './gate.ts'

/** What is pulled of these repositories must pass the gate. */
export interface RepositoryRule {
  readonly repositories: RepositorySet
  readonly gate: SignatureGate
}

/** A manifest that was found. */
interface Found {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/** Whether a list tells of a manifest. */
export type Listed = (digest: Digest, bytes: Uint8Array, options: Abortable) => Promise<boolean>

/** Which repositories only give out what is signed. Where several rules mean one repository, all of them hold. */
export class RepositoryRules {
  readonly #rules: readonly RepositoryRule[]

  constructor(rules: readonly RepositoryRule[] = []) {
    this.#rules = rules
  }

  /** @throws RegistryError DENIED for a manifest that does not pass */
  async checkManifest(
    place: Place,
    reference: Reference,
    { digest, bytes }: Found,
    options: Abortable,
  ): Promise<void> {
    const gates = this.#gates(place.name)
    if (gates.length === 0) return
    const tag = reference.kind === 'tag' ? reference.tag : undefined
    // Clients without the referrers API read its list under a tag; what is in it has to pass by itself.
    if (tag !== undefined && isFallbackTag(tag) && isListOfReferrers(digest, bytes)) return
    for (const gate of gates)
      if (!(await gate.passes({ ...place, tag }, digest, bytes, options)))
        throw unsigned(place.name, digest)
  }

  /**
   * Decides which manifests a list of a repository tells of; `undefined` where no rule means it.
   *
   * @returns a function that throws what the reader throws
   */
  listing(place: Place): Listed | undefined {
    const gates = this.#gates(place.name)
    if (gates.length === 0) return undefined
    const whole = { ...place, effort: new Effort() }
    return async (digest, bytes, options) => {
      for (const gate of gates) if (!(await gate.lists(whole, digest, bytes, options))) return false
      return true
    }
  }

  /** @throws RegistryError DENIED for a manifest, asked for as a blob, that does not pass */
  async checkBlob(place: Place, content: Content, options: Abortable): Promise<void> {
    for (const gate of this.#gates(place.name))
      if (!(await gate.blobPasses(place, content, options)))
        throw unsigned(place.name, content.digest)
  }

  #gates(name: RepositoryName): SignatureGate[] {
    return this.#rules.filter(({ repositories }) => repositories.has(name)).map(({ gate }) => gate)
  }
}

function unsigned(name: RepositoryName, digest: Digest): RegistryError {
  return new RegistryError('DENIED', {
    message: `${name} only gives out what is signed, and no signature of ${digest} by a key of its rule was found (signatures in this registry's configuration): sign it with cosign`,
    detail: { name, digest },
  })
}
