import { MANIFEST_MAX_BYTES } from '../oci/manifest.ts'
import { companionSubject, subjectKey } from '../oci/companion-tag.ts'
import { mentionsOf } from './digest-mentions.ts'
import { KeptManifests } from './kept-manifests.ts'
import { readAll } from './read-all.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Mentions } from './digest-mentions.ts'
import type { Leases } from './leases.ts'
import type { TagRetention } from './tag-retention.ts'
import type { Abortable, DurableMap, Half, RegistryWriter } from './ports.ts'
import type { Look, TidyOptions, TreeChanges, TreeInventory } from './tidying.ts'

/** Digests, many of them in little memory; it may take one for another with a chance that nobody meets. */
export interface DigestSet {
  add(digest: Digest): void
  has(digest: Digest): boolean
}

/** What goes out of the tree, and when. */
export interface RetentionPolicy {
  /** A manifest without a tag goes after so many ms; `null`: never. */
  readonly untagged: number | null
  /** Whether what refers to a manifest that stays stays as well. */
  readonly referrers: boolean
}

/** What tidying up works on. */
export interface TidyParts {
  readonly writer: RegistryWriter
  /** The half of our tree that is tidied up. */
  readonly half: Half
  /** Begins to note changes, then looks at the tree. */
  readonly look: (options: Abortable) => Promise<Look>
  readonly digestSet: () => DigestSet
  readonly leases: Leases
  readonly policy: RetentionPolicy
  /** Takes away tags by rules; `undefined` without rules. */
  readonly tags?: TagRetention | undefined
  /** Since when manifests have been without a tag. */
  readonly untagged: DurableMap
}

/** What is in a repository, and what of that may go. */
interface Candidates {
  readonly manifests: readonly Digest[]
  readonly blobs: readonly Digest[]
  readonly oldManifests: readonly Digest[]
  readonly unusedBlobs: readonly Digest[]
}

/** How often a repository is looked at again in which something was linked meanwhile. */
const ATTEMPTS = 3

/** Things that one edit takes away: few, because pushes wait for it. */
const AT_ONCE = 100

/**
 * Takes out of our tree what nothing keeps there any more: tags and manifests by policy, links of blobs that no manifest of
 * their repository mentions, and the bytes of what no repository links. All of it by edits in the commit lane, where what
 * was found is checked once more: whatever has been linked, pushed or leased since stays.
 */
export class Tidy {
  readonly #parts: TidyParts

  constructor(parts: TidyParts) {
    this.#parts = parts
  }

  /** @throws what the tree throws when some of it cannot be read; what was taken away by then was rightly so */
  async run(options: TidyOptions): Promise<void> {
    this.#parts.leases.prune()
    const { inventory, changes } = await this.#parts.look(options)
    using _ = changes
    await this.#parts.tags?.begin(options)
    const linked = this.#parts.digestSet()
    for await (const name of inventory.repositories()) {
      await options.turn()
      await this.#repository(name, { inventory, changes }, linked, options)
      options.tidied.repositories++
    }
    await this.#contents(inventory, changes, linked, options)
  }

  /** Notes when tags were pushed: to be called before commits that say so are forgotten. */
  async noteTimes(options: TidyOptions): Promise<void> {
    await this.#parts.tags?.begin(options)
  }

  /** Takes away what may go, unless the repository changes all the time: then the next collection tries again. */
  async #repository(
    name: RepositoryName,
    first: Look,
    linked: DigestSet,
    options: TidyOptions,
  ): Promise<void> {
    const untagged = await this.#parts.tags?.repository(name, first, options)
    const how = { ...options, untagged }
    let found = await this.#candidates(name, first, how)
    let gone = await this.#removeAll(name, found, first.changes, options)
    for (let again = 1; gone === undefined && again <= ATTEMPTS; again++) {
      const look = await this.#parts.look(options)
      using _ = look.changes
      found = await this.#candidates(name, look, how)
      gone = await this.#removeAll(name, found, look.changes, options)
    }
    for (const digest of found.manifests)
      if (gone?.manifests.has(digest) !== true) linked.add(digest)
    for (const digest of found.blobs) if (gone?.blobs.has(digest) !== true) linked.add(digest)
  }

  /** @returns what went; `undefined` when something was linked meanwhile, so that it has to be looked at again */
  async #removeAll(
    name: RepositoryName,
    found: Candidates,
    changes: TreeChanges,
    options: TidyOptions,
  ): Promise<{ manifests: ReadonlySet<Digest>; blobs: ReadonlySet<Digest> } | undefined> {
    const nothing = new Set<Digest>()
    if (found.oldManifests.length === 0 && found.unusedBlobs.length === 0)
      return { manifests: nothing, blobs: nothing }
    const isLeased = (digest: Digest): boolean => this.#parts.leases.isLeased(name, digest)
    const isFree = (digest: Digest): boolean => !changes.hasChanged(name) && !isLeased(digest)
    const leased = [...found.oldManifests, ...found.unusedBlobs].filter(isLeased).length
    const how = { ...options, isFree }
    const manifests = await this.#remove(name, found.oldManifests, { ...how, kind: 'manifest' })
    options.tidied.manifests += manifests.size
    // A manifest that stays after all needs its blobs.
    const unused = manifests.size === found.oldManifests.length ? found.unusedBlobs : []
    const blobs = await this.#remove(name, unused, { ...how, kind: 'blob' })
    options.tidied.blobs += blobs.size
    const isDone = !changes.hasChanged(name) || manifests.size + blobs.size > 0
    if (!isDone) return undefined
    options.tidied.leased += leased
    return { manifests, blobs }
  }

  /** What is in a repository, and what of that may go. */
  async #candidates(
    name: RepositoryName,
    { inventory }: Look,
    options: TidyOptions & { untagged: ReadonlySet<Tag> | undefined },
  ): Promise<Candidates> {
    const { policy, untagged, digestSet } = this.#parts
    const manifests = await Array.fromAsync(inventory.manifests(name))
    const blobs = await Array.fromAsync(inventory.blobs(name))
    const nothing: Candidates = { manifests, blobs, oldManifests: [], unusedBlobs: [] }
    if (blobs.length === 0 && policy.untagged === null) return nothing
    const kept =
      policy.untagged === null ? undefined : new KeptManifests(manifests, policy.referrers)
    const mentioned = digestSet()
    for (const digest of manifests) {
      await options.turn()
      const facts = await this.#mentions(name, digest, inventory, options)
      // What is not readable as a manifest may refer to anything, so here nothing goes.
      if (facts === undefined) return nothing
      kept?.add(digest, facts.all, facts.subject)
      for (const each of facts.all) mentioned.add(each)
    }
    const isUnused = (digest: Digest): boolean => !mentioned.has(digest)
    if (kept === undefined || policy.untagged === null)
      return { ...nothing, unusedBlobs: blobs.filter(isUnused) }
    const tags = await Array.fromAsync(inventory.tags(name))
    const left = tags.filter(([tag]) => options.untagged?.has(tag) !== true)
    const { tagged, orphans } = this.#roots(name, left, manifests, kept)
    const book = { name, map: untagged, now: options.now, dryRun: options.dryRun }
    const oldManifests = await kept.untaggedFor(policy.untagged, tagged, book, orphans)
    // What only they mention goes with the next collection, when they are gone.
    return { ...nothing, oldManifests, unusedBlobs: blobs.filter(isUnused) }
  }

  /** What tags keep. Where tags go by rules, those that stand beside a manifest keep nothing by themselves. */
  #roots(
    name: RepositoryName,
    tags: readonly (readonly [Tag, Digest])[],
    manifests: readonly Digest[],
    kept: KeptManifests,
  ): { tagged: Digest[]; orphans: Digest[] } {
    const roots = { tagged: [] as Digest[], orphans: [] as Digest[] }
    const isRuled = this.#parts.tags?.rules.areAbout(name) === true
    const subjects = new Map(isRuled ? manifests.map((each) => [subjectKey(each), each]) : [])
    for (const [tag, digest] of tags) {
      const key = isRuled ? companionSubject(tag) : undefined
      const subject = key === undefined ? undefined : subjects.get(key)
      if (key === undefined) roots.tagged.push(digest)
      else if (subject === undefined) roots.orphans.push(digest)
      else kept.follow(subject, digest)
    }
    return roots
  }

  async #mentions(
    name: RepositoryName,
    digest: Digest,
    { reader }: TreeInventory,
    options: Abortable,
  ): Promise<Mentions | undefined> {
    const content = await reader.manifest(name, digest, options)
    if (content === undefined || content.size > MANIFEST_MAX_BYTES) return undefined
    return mentionsOf(await readAll(content, options))
  }

  /** @returns those that went */
  async #remove(
    name: RepositoryName,
    digests: readonly Digest[],
    how: TidyOptions & { isFree: (digest: Digest) => boolean; kind: 'manifest' | 'blob' },
  ): Promise<ReadonlySet<Digest>> {
    const { isFree, kind, dryRun, signal } = how
    const { writer, leases } = this.#parts
    const gone = new Set<Digest>()
    const free = digests.filter(isFree)
    if (dryRun) return new Set(free)
    for (let at = 0; at < free.length; at += AT_ONCE) {
      // Whoever asks for one of them from the check on waits until it is gone, and then does not find it.
      using removals = new DisposableStack()
      const removed = await writer.transact(
        async (tx) => {
          const still = free.slice(at, at + AT_ONCE).filter(isFree)
          removals.use(leases.remove(name, still))
          for (const digest of still) {
            if (kind === 'blob') await tx.removeBlob(name, digest)
            else await tx.removeManifest(name, digest)
          }
          return still
        },
        { signal },
      )
      for (const digest of removed) gone.add(digest)
      await how.turn()
    }
    return gone
  }

  /** The bytes of what nothing links, under whatever name. */
  async #contents(
    inventory: TreeInventory,
    changes: TreeChanges,
    linked: DigestSet,
    options: TidyOptions,
  ): Promise<void> {
    let waiting: Digest[] = []
    const remove = async (): Promise<void> => {
      const digests = waiting.filter((digest) => !changes.hasLinked(digest))
      waiting = []
      options.tidied.contents += digests.length
      if (options.dryRun || digests.length === 0) return
      const { writer, half } = this.#parts
      await writer.transact(async (tx) => {
        for (const digest of digests)
          if (!changes.hasLinked(digest)) await tx.removeContent(digest, half)
      }, options)
    }
    for await (const digest of inventory.contents()) {
      await options.turn()
      if (!linked.has(digest)) waiting.push(digest)
      if (waiting.length >= AT_ONCE) await remove()
    }
    await remove()
  }
}
