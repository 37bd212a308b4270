import { Proofs } from './proofs.ts'
import { Recent } from './recent.ts'
import type { Digest } from '../oci/digest.ts'
import type { Content, DurableMap } from './ports.ts'

/** Content that a mirror claimed to be what a digest names, and that is not. */
export class WrongContentError extends Error {
  static override readonly name = 'WrongContentError'
  override readonly name = 'WrongContentError'
  readonly digest: Digest

  constructor({ digest, id }: Content, mirror: string, why: string) {
    super(`mirror ${mirror}: ${id} is not the content of ${digest}: ${why}`)
    this.digest = digest
  }
}

/** What is claimed: that the content of that id is what the digest names. */
type Mapping = Pick<Content, 'digest' | 'id' | 'proven'>

/** What a {@link Trust} is made with. */
export interface TrustInit {
  /** Where proven mappings are kept. */
  map: DurableMap
  /** The clock, in ms. */
  now: () => number
  /** How long a mapping that was wrong counts as absent, in ms. Default: an hour. */
  absentFor?: number
  proofs?: Proofs
}

const HOUR = 3_600_000

/**
 * Which digest→content mappings have been proven, and which were found wrong lately.
 *
 * IPFS proves that bytes are what a CID says; that a digest *is* that CID is only a claim of whoever drew the tree. A
 * mapping says nothing about who claims it, so what one mirror's content proved is proven for all of them.
 */
export class Trust {
  /** Whole-content proofs that are under way. */
  readonly proofs: Proofs
  readonly #map: DurableMap
  readonly #wrong: Recent

  constructor({ map, now, absentFor = HOUR, proofs = new Proofs() }: TrustInit) {
    this.proofs = proofs
    this.#map = map
    this.#wrong = new Recent({ ttl: absentFor, now })
  }

  /** Names a mapping: the key it is remembered under. */
  static key({ digest, id }: Mapping): string {
    return `${digest} ${id}`
  }

  /** Whether the whole content hashed to the digest once, or its id says so by itself. */
  async isProven(content: Mapping): Promise<boolean> {
    return content.proven === true || (await this.#map.get(Trust.key(content))) !== undefined
  }

  /** Remembers for good that the whole content hashed to the digest. */
  accept(content: Mapping): Promise<void> {
    return this.#map.put(Trust.key(content), new Uint8Array())
  }

  /** Remembers for a while that the content is not what the digest names. */
  reject(content: Mapping): void {
    this.#wrong.add(Trust.key(content))
  }

  isRejected(content: Mapping): boolean {
    return this.#wrong.has(Trust.key(content))
  }
}
