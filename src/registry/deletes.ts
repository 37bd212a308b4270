import { RegistryError } from '../oci/errors.ts'
import { untilUnchanged } from './changed-meanwhile.ts'
import { Precondition } from './precondition.ts'
import { blobUnknown, manifestUnknown } from './pull.ts'
import { immutable, immutableTag, refuseImmutable } from './standing.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Overlay } from './overlay.ts'
import type { Addressed } from './precondition.ts'
import type {
  Abortable,
  Conditional,
  RegistryReader,
  RegistryWriter,
  StandingRules,
  Transaction,
} from './ports.ts'
import type { Tombstones } from './tombstones.ts'
import type { Uploads } from './uploads.ts'

/** How long mirrors are asked about tags that went with a manifest, in ms; those that are left stay hidden. */
const ASK_MS = 10_000

/** What deletes work on. */
export interface DeleteParts {
  writer: RegistryWriter
  overlay: Overlay
  tombstones: Tombstones
  uploads: Pick<Uploads, 'endAll'>
  rules: StandingRules
}

type Target = Named & {
  /** Whether a mirror has it, or our own tree. */
  has: (reader: RegistryReader, options: Abortable) => Promise<boolean>
}

/** What is removed, as its tombstone names it. */
type Named = Addressed | { name: RepositoryName; kind: 'repository'; what: RepositoryName }

/** How it is asked for. */
type Options = Abortable & Conditional

/**
 * Deletes: out of our own tree, and where a mirror has the thing too, behind a tombstone, or it would come straight
 * back. A mirror that could not be asked may have it, so it is hidden then as well.
 */
export class Deletes {
  readonly #parts: DeleteParts

  constructor(parts: DeleteParts) {
    this.#parts = parts
  }

  /** Removes a tag and nothing else. @throws RegistryError MANIFEST_UNKNOWN, DENIED when it stays, or was changed */
  async tag(name: RepositoryName, tag: Tag, options: Options): Promise<void> {
    if (this.#parts.rules.isImmutable(name, tag)) return this.#refuse(name, tag, options)
    const remove = (tx: Transaction): Promise<boolean> => {
      if (this.#parts.rules.isImmutable(name, tag)) throw immutable(name, [tag])
      return tx.removeTag(name, tag)
    }
    const wasThere = await this.#remove(tagTarget(name, tag), remove, options)
    if (!wasThere) throw manifestUnknown(name, { kind: 'tag', tag })
  }

  /** It is not removed, whatever happens meanwhile; only what to say depends on whether it is there. */
  async #refuse(name: RepositoryName, tag: Tag, options: Abortable): Promise<never> {
    const there = await this.#parts.overlay.reader().resolveTag(name, tag, options)
    throw there === undefined ? manifestUnknown(name, { kind: 'tag', tag }) : immutable(name, [tag])
  }

  /**
   * Removes a manifest with every tag that points to it.
   *
   * @throws RegistryError MANIFEST_UNKNOWN, DENIED when one of the tags stays
   */
  async manifest(name: RepositoryName, digest: Digest, options: Options): Promise<void> {
    const target: Target = {
      name,
      kind: 'manifest',
      what: digest,
      has: async (reader, how) => (await reader.manifest(name, digest, how)) !== undefined,
    }
    const { overlay, rules } = this.#parts
    await refuseImmutable(overlay, name, rules, { ...options, to: digest })
    let hidden: readonly Tag[] = []
    const remove = async (tx: Transaction): Promise<boolean> => {
      const gone = await tx.removeManifest(name, digest)
      const kept = gone?.tags.filter((tag) => rules.isImmutable(name, tag)) ?? []
      if (kept.length > 0) throw immutable(name, kept)
      hidden = await this.#hideTags(name, gone?.tags ?? [])
      return gone !== undefined
    }
    const wasThere = await this.#remove(target, remove, options)
    if (!wasThere) throw manifestUnknown(name, { kind: 'digest', digest })
    await this.#showAgain(name, hidden)
  }

  /**
   * "After deleting, tags pointing there are 404" (distribution-spec): a mirror's tag of that name must not step in. Which
   * tags these are is known only inside the edit, where nothing may wait for mirrors; so all are hidden, and those that no
   * mirror has are shown again afterwards.
   *
   * @returns those that were not hidden before
   */
  async #hideTags(name: RepositoryName, tags: readonly Tag[]): Promise<readonly Tag[]> {
    const { overlay, tombstones } = this.#parts
    if (!overlay.hasMirrors) return []
    const fresh = tags.filter((tag) => !tombstones.hides(name, 'tag', tag))
    if (fresh.length > 0) await tombstones.hide(name, 'tag', ...fresh)
    return fresh
  }

  /** It has happened, so whether the client is still there does not matter; a tag that stays hidden was deleted here. */
  async #showAgain(name: RepositoryName, tags: readonly Tag[]): Promise<void> {
    const { overlay, tombstones } = this.#parts
    const signal = AbortSignal.timeout(ASK_MS)
    try {
      for (const tag of tags) {
        const { has } = tagTarget(name, tag)
        const asked = { signal, alsoHidden: true }
        const elsewhere = await overlay.elsewhere(has, asked)
        if (elsewhere === 'no') await tombstones.show(name, 'tag', tag)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Unlinks a blob from one repository. @throws RegistryError BLOB_UNKNOWN */
  async blob(name: RepositoryName, digest: Digest, options: Options): Promise<void> {
    const target: Target = {
      name,
      kind: 'blob',
      what: digest,
      has: async (reader, how) => (await reader.blob(name, digest, how)) !== undefined,
    }
    const remove = (tx: Transaction): Promise<boolean> => tx.removeBlob(name, digest)
    if (!(await this.#remove(target, remove, options))) throw blobUnknown(name, digest)
  }

  /**
   * Removes a repository with all that is in it, in one commit, and hides what mirrors have under its name, for good: a
   * later push brings back what it pushes and nothing else. Its upload sessions end with it.
   *
   * @throws RegistryError NAME_UNKNOWN, DENIED when one of its tags stays
   */
  async repository(name: RepositoryName, options: Abortable): Promise<void> {
    const { uploads, overlay, rules } = this.#parts
    await refuseImmutable(overlay, name, rules, options)
    const target: Target = {
      name,
      kind: 'repository',
      what: name,
      has: async (reader, how) => (await reader.tags(name, { ...how, limit: 1 })) !== undefined,
    }
    const wasThere = await uploads.endAll(name, (end) => {
      const remove = async (tx: Transaction): Promise<boolean> => {
        const kept = await immutableTag(tx.reader, name, rules, options)
        if (kept !== undefined) throw immutable(name, [kept])
        end() // inside the edit: a blob that is finished later must not bring the repository back
        return tx.removeRepository(name)
      }
      return this.#remove(target, remove, options)
    })
    if (!wasThere) throw new RegistryError('NAME_UNKNOWN', { detail: { name } })
  }

  /**
   * The tombstone comes before the change of our tree: it never hides what is ours, so whatever happens in between,
   * nothing has changed until the tree has. Were it the other way round, what a crash leaves without a tombstone would
   * be served again by the mirror. And it comes inside the edit, after the edit has had its say: what is refused hides
   * nothing. Where no mirror could be asked, there is one only for what is ours as well.
   */
  #remove(
    target: Target,
    remove: (tx: Transaction) => Promise<boolean>,
    options: Options,
  ): Promise<boolean> {
    const { writer, overlay, tombstones } = this.#parts
    const { name, kind, what, has } = target
    return untilUnchanged(async () => {
      const elsewhere = await overlay.elsewhere(has, options)
      const condition = await this.#condition(target, options)
      return writer.transact(async (tx) => {
        // What is not there is 404 on any condition (RFC 9110 13.2.1).
        if (condition && (elsewhere === 'yes' || (await has(tx.reader, options))))
          await condition.check(tx.reader, options)
        const removed = await remove(tx)
        if (elsewhere === 'yes' || (elsewhere === 'unknown' && removed))
          await tombstones.hide(name, kind, what)
        return removed || elsewhere === 'yes'
      }, options)
    })
  }

  async #condition(
    target: Target,
    { conditions, signal }: Options,
  ): Promise<Precondition | undefined> {
    if (target.kind === 'repository') return undefined // it has no entity tag
    return Precondition.look(this.#parts.overlay, target, conditions, { signal })
  }
}

function tagTarget(name: RepositoryName, tag: Tag): Target {
  const has = async (reader: RegistryReader, options: Abortable): Promise<boolean> =>
    (await reader.resolveTag(name, tag, options)) !== undefined
  return { name, kind: 'tag', what: tag, has }
}
