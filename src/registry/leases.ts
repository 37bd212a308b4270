import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { DurableMap } from './ports.ts'

/** Leases that are remembered, at some 200 bytes of memory each. */
const MAX = 200_000
/** Under which key they are kept while the process is not there. */
const SAVED = 'leases'

/** What {@link Leases} are made with. */
export interface LeasesInit {
  /** How long one lasts, in ms. */
  readonly time: number
  /** Milliseconds that never go back. */
  readonly now: () => number
  readonly map: DurableMap
}

/** The leases of one repository. */
interface Repository {
  /** When each was granted, by the repository's own clock. */
  readonly granted: Map<Digest, number>
  /** Uploads under way, since when, and how long there were some before that. */
  uploads: number
  since: number
  uploaded: number
  /** Since when everything in it counts as leased, by its own clock. */
  allFrom: number
}

/** Requests for one thing that may not be there. */
interface Search {
  running: number
  /** One of them found it, or it has come meanwhile. */
  isFound: boolean
  /** The lease that there was before them. */
  readonly before: number | undefined
}

/**
 * Who was told that a blob or manifest is in a repository relies on it for a while: clients skip uploads on the strength of
 * a HEAD, and push what refers to a blob after its 201. Until its lease is over, the collector does not take it away.
 *
 * Time does not count while something is uploaded to the repository: the first layer of an image waits for its last one.
 *
 * Leases are in memory, and written down when the node stops. After one that was killed nobody knows them, so then
 * everything counts as leased for as long as a lease lasts; in each repository by its own time, as every lease.
 */
export class Leases {
  readonly #time: number
  readonly #now: () => number
  readonly #map: DurableMap
  readonly #repositories = new Map<RepositoryName, Repository>()
  /** What is being taken away in this moment, by name and digest. */
  readonly #removals = new Map<string, Promise<void>>()
  /** What is looked for in this moment, by name and digest. */
  readonly #searches = new Map<string, Search>()
  #count = 0
  /** Since when everything counts as leased; in repositories that are remembered, they say it themselves. */
  #allFrom = -Infinity

  private constructor({ time, now, map }: LeasesInit) {
    this.#time = time
    this.#now = now
    this.#map = map
  }

  /** @param isNew nothing was ever told to anybody by this registry */
  static async open(init: LeasesInit, { isNew }: { isNew: boolean }): Promise<Leases> {
    const leases = new Leases(init)
    const saved = await init.map.get(SAVED)
    if (saved !== undefined) leases.#restore(saved)
    else if (!isNew) leases.#leaseAll()
    // From now on they change; if nobody gets to write them down, they are unknown at the next start.
    await init.map.delete(SAVED)
    return leases
  }

  /** Writes them down, when nobody will be granted one any more. */
  async save(): Promise<void> {
    const repositories = [...this.#repositories]
    if (this.allFor > 0 || repositories.some(([, each]) => this.#isAllLeased(each))) return
    const list = repositories.map(([name, { granted }]) => [
      name,
      [...granted.keys()].filter((digest) => this.isLeased(name, digest)),
    ])
    await this.#map.put(SAVED, Buffer.from(JSON.stringify(list)))
  }

  /**
   * For how long, in ms, everything counts as leased; 0 when it does not. Where something is being uploaded it may for longer:
   * {@link isLeased} knows.
   */
  get allFor(): number {
    return Math.max(0, this.#allFrom + this.#time - this.#now())
  }

  /**
   * Grants a lease, to be asked for before it is looked whether the content is there: what is found after this has resolved
   * stays.
   *
   * @returns a promise only when the content is just being taken away, which then has to end first
   */
  grant(name: RepositoryName, digest: Digest): Promise<void> | undefined {
    this.#grant(name, digest)
    const search = this.#searches.size === 0 ? undefined : this.#searches.get(keyOf(name, digest))
    if (search !== undefined) search.isFound = true
    return this.#removing(name, digest)
  }

  /**
   * The same for what may turn out not to be there: then nobody relies on it, and whoever asks for a million things that do
   * not exist has not filled our memory.
   *
   * @param find throws when it is not there, or gives false
   */
  async tentatively<T>(name: RepositoryName, digest: Digest, find: () => Promise<T>): Promise<T> {
    const key = keyOf(name, digest)
    const search = this.#searches.get(key) ?? {
      running: 0,
      isFound: false,
      before: this.#repositories.get(name)?.granted.get(digest),
    }
    this.#searches.set(key, search)
    search.running++
    this.#grant(name, digest)
    try {
      await this.#removing(name, digest)
      const found = await find()
      search.isFound ||= found !== false
      return found
    } finally {
      if (--search.running === 0) {
        this.#searches.delete(key)
        if (!search.isFound) this.#withdraw(name, digest, search.before)
      }
    }
  }

  #grant(name: RepositoryName, digest: Digest): void {
    const repository = this.#repository(name)
    const now = this.#clock(repository)
    if (repository.granted.has(digest)) repository.granted.set(digest, now)
    else {
      this.#count++
      repository.granted.set(flat(digest), now)
    }
    if (this.#count > MAX) this.#makeRoom()
  }

  #withdraw(name: RepositoryName, digest: Digest, before: number | undefined): void {
    const repository = this.#repositories.get(name)
    if (repository === undefined || !repository.granted.has(digest)) return
    if (before !== undefined) {
      repository.granted.set(digest, before)
      return
    }
    repository.granted.delete(digest)
    this.#count--
    this.#forgetIfIdle(name, repository)
  }

  #removing(name: RepositoryName, digest: Digest): Promise<void> | undefined {
    return this.#removals.size === 0 ? undefined : this.#removals.get(keyOf(name, digest))
  }

  isLeased(name: RepositoryName, digest: Digest): boolean {
    const repository = this.#repositories.get(name)
    if (repository === undefined) return this.allFor > 0
    if (this.#isAllLeased(repository)) return true
    const granted = repository.granted.get(digest)
    return granted !== undefined && this.#clock(repository) - granted < this.#time
  }

  /** Something is uploaded to a repository until this is let go. */
  upload(name: RepositoryName): Disposable {
    const repository = this.#repository(name)
    if (repository.uploads++ === 0) repository.since = this.#now()
    return {
      [Symbol.dispose]: () => {
        if (--repository.uploads === 0) repository.uploaded += this.#now() - repository.since
      },
    }
  }

  /**
   * What is taken away from now on until this is let go. To be called in the same turn of the event loop in which
   * {@link isLeased} was asked.
   */
  remove(name: RepositoryName, digests: readonly Digest[]): Disposable {
    const { promise, resolve } = Promise.withResolvers<void>()
    const keys = digests.map((digest) => keyOf(name, digest))
    for (const key of keys) this.#removals.set(key, promise)
    return {
      [Symbol.dispose]: () => {
        for (const key of keys) this.#removals.delete(key)
        resolve()
      },
    }
  }

  /** Forgets what is over. */
  prune(): void {
    for (const [name, repository] of this.#repositories) {
      const now = this.#clock(repository)
      for (const [digest, granted] of repository.granted) {
        if (now - granted < this.#time) continue
        repository.granted.delete(digest)
        this.#count--
      }
      this.#forgetIfIdle(name, repository)
    }
  }

  /** One whose time stood still while everything was leased is remembered until that is over by its own time. */
  #forgetIfIdle(name: RepositoryName, repository: Repository): void {
    const { granted, uploads, uploaded } = repository
    if (granted.size > 0 || uploads > 0) return
    if (uploaded === 0 || !this.#isAllLeased(repository)) this.#repositories.delete(name)
  }

  /** More than can be remembered: then it is simpler to say that all are. */
  #makeRoom(): void {
    this.prune()
    if (this.#count <= MAX / 2) return
    for (const [name, { granted, uploads }] of this.#repositories) {
      granted.clear()
      if (uploads === 0) this.#repositories.delete(name)
    }
    this.#count = 0
    this.#leaseAll()
  }

  #leaseAll(): void {
    this.#allFrom = this.#now()
    for (const repository of this.#repositories.values())
      repository.allFrom = this.#clock(repository)
  }

  #isAllLeased(repository: Repository): boolean {
    return this.#clock(repository) - repository.allFrom < this.#time
  }

  /** Each begins anew: nobody knows how long the process was away. */
  #restore(saved: Uint8Array): void {
    try {
      const list = JSON.parse(Buffer.from(saved).toString('utf8')) as [RepositoryName, Digest[]][]
      for (const [name, digests] of list)
        for (const digest of digests) void this.grant(name, digest)
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
      this.#leaseAll() // it is not what was written
    }
  }

  #repository(name: RepositoryName): Repository {
    let repository = this.#repositories.get(name)
    if (repository === undefined) {
      // Nothing was uploaded to it yet, so its time is that of all.
      const allFrom = this.#allFrom
      repository = { granted: new Map(), uploads: 0, since: 0, uploaded: 0, allFrom }
      this.#repositories.set(flat(name), repository)
    }
    return repository
  }

  /** The time without that in which something was uploaded. */
  #clock({ uploads, since, uploaded }: Repository): number {
    return (uploads > 0 ? since : this.#now()) - uploaded
  }
}

/** A string of its own: one that was cut out of a request would keep all of the request's text in memory. */
function flat<T extends string>(text: T): T {
  return Buffer.from(text, 'latin1').toString('latin1') as T
}

function keyOf(name: RepositoryName, digest: Digest): string {
  return `${name}@${digest}`
}
