import { RegistryError } from '../oci/errors.ts'
import { AllowedReader } from './allowed.ts'
import { Doubts } from './doubts.ts'
import { FactsCache } from './facts-cache.ts'
import { Foresight } from './foresight.ts'
import { HidingReader, asideKey } from './hiding.ts'
import { Mirror } from './mirror.ts'
import { OverlayReader } from './overlay-reader.ts'
import { Recent } from './recent.ts'
import { SignedReader } from './signatures/signed-reader.ts'
import { VerifiedReader } from './verified.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Repositories } from '../oci/repository-pattern.ts'
import type { Hidden } from './hiding.ts'
import type { MirrorErrorHandler, MirrorSource } from './mirror.ts'
import type { MirrorLayer } from './overlay-reader.ts'
import type { Abortable, RegistryReader, RegistrySource } from './ports.ts'
import type { TombstoneKind, Tombstones } from './tombstones.ts'
import type { Trust } from './trust.ts'
import type { VerifyInit } from './verified.ts'

/** What an {@link Overlay} is made of. */
export interface OverlayInit {
  own: RegistrySource
  /** In the order in which they are asked. */
  mirrors: readonly MirrorSource[]
  /** What the mirrors' claims are checked with. */
  trust: Trust
  /** Largest blob that a mirror may have, in bytes. */
  blobLimit: number
  tombstones: Tombstones
  /** The clock, in ms. */
  now: () => number
  onMirrorError?: MirrorErrorHandler
  /** Longest wait for one answer of a mirror that has no deadline of its own, in ms. */
  deadline?: number
  /** How long a mirror that missed its deadline is asked hastily, in ms. */
  pause?: number
  /** Longest wait for one answer then, in ms. */
  haste?: number
  /** How long content that could not be adopted is hidden, in ms. */
  asideFor?: number
}

const DEADLINE_MS = 10_000
const PAUSE_MS = 30_000
const HASTE_MS = 500
/** Time enough for a client that was told 400 to push again. */
const ASIDE_MS = 15 * 60_000

/** Whether the mirrors have something: `unknown` when one that might could not be asked. */
export type Elsewhere = 'yes' | 'no' | 'unknown'

/** Our own tree and the mirrors', in order, seen as one registry. */
export class Overlay implements RegistrySource {
  readonly name = 'overlay'
  /** What is known of the manifests in all of its trees. */
  readonly facts = new FactsCache()
  readonly #own: RegistrySource
  readonly #mirrors: readonly Mirror[]
  readonly #hidden: Hidden
  readonly #verify: VerifyInit
  readonly #foresight = new Foresight()
  readonly #doubts: Doubts
  readonly #now: () => number
  readonly #onMirrorError: MirrorErrorHandler

  constructor(init: OverlayInit) {
    const { now, deadline = DEADLINE_MS, pause = PAUSE_MS, haste = HASTE_MS } = init
    const { onMirrorError = () => {} } = init
    const patience = { deadline, pause, haste, now, onMirrorError }
    this.#own = init.own
    this.#now = now
    this.#onMirrorError = onMirrorError
    this.#doubts = new Doubts({ facts: this.facts, now })
    this.#mirrors = init.mirrors.map((source) => new Mirror(source, patience))
    const aside = new Recent({ ttl: init.asideFor ?? ASIDE_MS, now })
    this.#hidden = { tombstones: init.tombstones, aside }
    const { trust, blobLimit } = init
    const foresight = this.#foresight
    this.#verify = { trust, blobLimit, onMirrorError, facts: this.facts, foresight }
  }

  /**
   * A reader over all roots as they are now.
   *
   * @param about the only repository that is asked for; mirrors that may not have it are left out
   */
  reader(about?: RepositoryName): OverlayReader {
    return this.#over(this.own(), this.#mirrorsOf(about))
  }

  /** A reader over one tree of ours, without any mirror. */
  alone(own: RegistryReader): OverlayReader {
    return this.#over(own, [])
  }

  /**
   * A reader over our own tree alone.
   *
   * @throws RegistryError UNAVAILABLE when it has no root, which only a daemon that is not ready lets happen
   */
  own(): RegistryReader {
    const reader = this.#own.reader()
    if (reader === undefined) throw new RegistryError('UNAVAILABLE')
    return reader
  }

  /**
   * Whether any mirror has something that is not hidden.
   *
   * @param options `name`: the repository it would be in; a mirror that may not have that is not asked. `alsoHidden`: what is
   *   hidden counts as well
   */
  async elsewhere(
    has: (reader: RegistryReader, options: { signal: AbortSignal }) => Promise<boolean>,
    options: Abortable & { name?: RepositoryName; alsoHidden?: boolean },
  ): Promise<Elsewhere> {
    const { name, alsoHidden = false } = options
    const layers = this.#mirrorsOf(name, alsoHidden)
    const answers = await Promise.all(
      layers.map(async ({ mirror, reader }) =>
        reader === undefined ? undefined : mirror.ask((signal) => has(reader, { signal }), options),
      ),
    )
    if (answers.some((box) => box?.answer === true)) return 'yes'
    return answers.every((box) => box !== undefined) ? 'no' : 'unknown'
  }

  /** Whether what mirrors have of something is hidden for good. */
  hides(name: RepositoryName, kind: TombstoneKind, what: string): boolean {
    const { tombstones } = this.#hidden
    return tombstones.hidesRepository(name) || tombstones.hides(name, kind, what)
  }

  /** Whether there is anything but our own tree. */
  get hasMirrors(): boolean {
    return this.#layers().length > 0
  }

  /**
   * Hides the mirrors' version of some content for a while: it could not be adopted, so clients must find it missing
   * and upload it.
   */
  setAside(name: RepositoryName, digest: Digest): void {
    this.#hidden.aside.add(asideKey(name, digest))
  }

  /** Ends what is under way for nobody. */
  stop(): void {
    this.#foresight.stop()
    this.#verify.trust.proofs.stop()
  }

  #over(own: RegistryReader, mirrors: readonly MirrorLayer[]): OverlayReader {
    const { tombstones } = this.#hidden
    return new OverlayReader({
      own,
      mirrors,
      hides: (name, digest) => tombstones.hidesManifest(name, digest),
      doubts: this.#doubts,
      now: this.#now,
    })
  }

  /** The mirrors that may have a repository; all, without one. */
  #mirrorsOf(name: RepositoryName | undefined, alsoHidden?: boolean): MirrorLayer[] {
    return this.#layers(alsoHidden).filter(
      ({ mirror }) => name === undefined || mirror.repositories.has(name),
    )
  }

  /** What is not allowed is not even hidden, what is hidden is not even verified, and a signature is
   * looked for in what was. */
  #layers(alsoHidden = false): MirrorLayer[] {
    return this.#mirrors.map((mirror) => {
      const claims = mirror.reader()
      const allowed = claims && limited(claims, mirror.repositories)
      const visible = allowed && (alsoHidden ? allowed : new HidingReader(allowed, this.#hidden))
      const verified = visible && new VerifiedReader(visible, this.#verify)
      return { mirror, reader: verified && this.#signed(verified, mirror) }
    })
  }

  #signed(reader: RegistryReader, { signedBy: gate, unsigned: refused }: Mirror): RegistryReader {
    if (gate === undefined) return reader
    return new SignedReader(reader, { gate, refused, onMirrorError: this.#onMirrorError })
  }
}

function limited(reader: RegistryReader, repositories: Repositories): RegistryReader {
  return repositories.isAll ? reader : new AllowedReader(reader, repositories)
}
