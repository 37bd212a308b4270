import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { TagTime } from '../oci/tag-time.ts'
import type { Abortable, RegistryWriter } from './ports.ts'
import type { TagRules, TimedTags } from './tag-rules.ts'
import type { Look, TidyOptions } from './tidying.ts'

/** Remembers when tags were pushed. */
export interface TagTimes {
  /** Takes note of everything that was committed until now. */
  catchUp(options: Abortable & { turn: () => Promise<void> }): Promise<void>
  /** What is pushed after the last {@link catchUp} is later than this order. */
  readonly latest: number
  of(name: RepositoryName): Promise<Map<Tag, TagTime>>
  /** Notes when tags were first found, or forgets those of `undefined`. */
  note(name: RepositoryName, notes: ReadonlyMap<Tag, TagTime | undefined>): Promise<void>
}

/** What {@link TagRetention} works on. */
export interface TagRetentionParts {
  readonly writer: RegistryWriter
  readonly look: (options: Abortable) => Promise<Look>
  readonly rules: TagRules
  readonly times: TagTimes
  /** Tags that nobody may take away: no rule does either. */
  readonly isImmutable?: ((name: RepositoryName, tag: Tag) => boolean) | undefined
}

/** How often a repository is looked at again in which something was pushed meanwhile. */
const ATTEMPTS = 3
/** Tags that one edit takes away: few, because pushes wait for it. */
const AT_ONCE = 100
/** Names of tags that a dry run lists. */
const LISTED = 1000

/** Takes away tags by rules, in the commit lane, where it is seen whether something was pushed since they were looked at. */
export class TagRetention {
  readonly rules: TagRules
  readonly #parts: TagRetentionParts

  constructor(parts: TagRetentionParts) {
    this.#parts = parts
    this.rules = parts.rules
  }

  /**
   * To be called when changes are being watched and before the first repository: what was pushed before is noted then, and
   * what is pushed later is seen as a change.
   */
  begin(options: TidyOptions): Promise<void> {
    return this.#parts.times.catchUp(options)
  }

  /** @returns the tags that went, or would go */
  async repository(
    name: RepositoryName,
    first: Look,
    options: TidyOptions,
  ): Promise<ReadonlySet<Tag>> {
    const gone = new Set<Tag>()
    if (!this.rules.areAbout(name)) return gone
    let isDone = await this.#attempt(name, first, gone, options)
    for (let again = 1; !isDone && again <= ATTEMPTS; again++) {
      const look = await this.#parts.look(options)
      using _ = look.changes
      await this.begin(options)
      isDone = await this.#attempt(name, look, gone, options)
    }
    return gone
  }

  /** @returns false when something was pushed meanwhile, so that it has to be looked at again */
  async #attempt(
    name: RepositoryName,
    { inventory, changes }: Look,
    gone: Set<Tag>,
    options: TidyOptions,
  ): Promise<boolean> {
    const { rules, isImmutable } = this.#parts
    const digests = new Map<Tag, Digest>()
    for await (const [tag, digest] of inventory.tags(name)) {
      await options.turn()
      digests.set(tag, digest)
    }
    if (changes.hasChanged(name)) return false
    const tags = await this.#timed(name, digests, options)
    const old = rules.removable(name, tags, options.now).filter((tag) => !isImmutable?.(name, tag))
    for (let at = 0; at < old.length; at += AT_ONCE) {
      const part = old.slice(at, at + AT_ONCE)
      const removed = options.dryRun
        ? part
        : await this.#remove(name, part, digests, changes, options)
      for (const tag of removed) count(name, tag, gone, options)
      await options.turn()
    }
    return !changes.hasChanged(name)
  }

  /** When each was pushed. One that nobody saw pushed is remembered as found now; of those that are gone nothing is. */
  async #timed(
    name: RepositoryName,
    digests: ReadonlyMap<Tag, Digest>,
    { dryRun, now }: TidyOptions,
  ): Promise<TimedTags> {
    const { times } = this.#parts
    const known = await times.of(name)
    const found = { order: times.latest, time: now, isKnown: false }
    const tags = new Map<Tag, TagTime>()
    const notes = new Map<Tag, TagTime | undefined>()
    for (const [tag, digest] of digests) {
      const time = known.get(tag)
      tags.set(tag, time?.digest === digest ? time : { ...found, digest })
      if (time?.digest !== digest) notes.set(tag, { ...found, digest })
    }
    for (const tag of known.keys()) if (!digests.has(tag)) notes.set(tag, undefined)
    if (!dryRun) await times.note(name, notes)
    return tags
  }

  /** @returns those that went: they still point where they did, and nothing was pushed meanwhile */
  #remove(
    name: RepositoryName,
    tags: readonly Tag[],
    digests: ReadonlyMap<Tag, Digest>,
    changes: Look['changes'],
    { signal }: Abortable,
  ): Promise<Tag[]> {
    return this.#parts.writer.transact(
      async (tx) => {
        const removed: Tag[] = []
        for (const tag of changes.hasChanged(name) ? [] : tags) {
          if ((await tx.reader.resolveTag(name, tag, { signal })) !== digests.get(tag)) continue
          if (await tx.removeTag(name, tag)) removed.push(tag)
        }
        return removed
      },
      { signal },
    )
  }
}

function count(
  name: RepositoryName,
  tag: Tag,
  gone: Set<Tag>,
  { dryRun, tidied }: TidyOptions,
): void {
  if (gone.has(tag)) return
  gone.add(tag)
  tidied.tags++
  if (dryRun && tidied.tagNames.length < LISTED) tidied.tagNames.push(`${name}:${tag}`)
}
