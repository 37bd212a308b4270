import { RegistryError } from '../oci/errors.ts'
import { tryParseTag } from '../oci/name.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, Tag } from '../oci/name.ts'
import type { Overlay } from './overlay.ts'
import type { Abortable, RegistryReader, Rights, StandingRules } from './ports.ts'

/** Tags that are looked at for one question: a repository may have any number, and each costs a look-up. */
const TAGS_AT_ONCE = 1000

/** A registry without such rules. */
export const NO_RULES: StandingRules = {
  readOnly: false,
  hasImmutable: () => false,
  isImmutable: () => false,
}

/** A tag that is to point at a manifest. */
export interface Tagging {
  name: RepositoryName
  tag: Tag
  digest: Digest
}

/**
 * Whether a tag may be moved to a manifest from where it is; where it is nowhere yet, it is not asked. It stands inside
 * the edit that sets the tag, so nothing changes between the question and the deed.
 *
 * @param by `undefined`: the registry itself
 * @throws RegistryError DENIED
 */
export async function checkMove(
  reader: RegistryReader,
  { name, tag, digest }: Tagging,
  rules: StandingRules,
  by: Rights | undefined,
): Promise<void> {
  if (isFree(name, tag, rules, by)) return
  const before = await reader.resolveTag(name, tag)
  if (before !== undefined && before !== digest) throw moveDenied(name, tag, rules)
}

/**
 * The same for a tag that only mirrors have: to set it here would change what clients see under it. It is asked outside
 * of the commit lane, where nothing may wait for the network.
 *
 * @throws RegistryError DENIED; UNAVAILABLE when a mirror that may have the tag could not be asked
 */
export async function checkMirrors(
  overlay: Overlay,
  { name, tag, digest }: Tagging,
  { rules, by }: { rules: StandingRules; by: Rights | undefined },
  options: Abortable,
): Promise<void> {
  if (isFree(name, tag, rules, by)) return
  if ((await overlay.own().resolveTag(name, tag, options)) !== undefined) return
  const points = async (reader: RegistryReader, how: Abortable): Promise<boolean> => {
    const there = await reader.resolveTag(name, tag, how)
    return there !== undefined && there !== digest
  }
  const elsewhere = await overlay.elsewhere(points, { ...options, name })
  if (elsewhere === 'yes') throw moveDenied(name, tag, rules)
  if (elsewhere === 'unknown') throw inDoubt(name)
}

function isFree(
  name: RepositoryName,
  tag: Tag,
  rules: StandingRules,
  by: Rights | undefined,
): boolean {
  return (by === undefined || by.mayOverwrite(name)) && !rules.isImmutable(name, tag)
}

function moveDenied(name: RepositoryName, tag: Tag, rules: StandingRules): RegistryError {
  if (rules.isImmutable(name, tag)) return immutable(name, [tag])
  return new RegistryError('DENIED', {
    message: `the tag ${tag} is there, and to move it needs the right to overwrite`,
    detail: { name, tag },
  })
}

/** The answer to whatever would move or remove tags that stay. */
export function immutable(name: RepositoryName, tags: readonly Tag[]): RegistryError {
  const [first] = tags
  return new RegistryError('DENIED', {
    message: `the tag ${first} is immutable on this registry (access.immutableTags)`,
    detail: { name, tags: tags.slice(0, 10) },
  })
}

function inDoubt(name: RepositoryName): RegistryError {
  return new RegistryError('UNAVAILABLE', {
    message: 'a mirror that may have this tag could not be asked, and it must not be hidden',
    detail: { name },
    headers: { 'Retry-After': '30' },
  })
}

/**
 * A tag in a reader's repository that stays, and that points to a manifest (to any, when none is named).
 *
 * @param options `to`: the manifest
 */
export async function immutableTag(
  reader: RegistryReader,
  name: RepositoryName,
  rules: StandingRules,
  { to, signal }: Abortable & { to?: Digest } = {},
): Promise<Tag | undefined> {
  if (!rules.hasImmutable(name)) return undefined
  for (let after: string | undefined; ;) {
    const texts = (await reader.tags(name, { after, limit: TAGS_AT_ONCE, signal })) ?? []
    for (const text of texts) {
      const tag = tryParseTag(text)
      if (tag === undefined || !rules.isImmutable(name, tag)) continue
      if (to === undefined || (await reader.resolveTag(name, tag, { signal })) === to) return tag
    }
    if (texts.length < TAGS_AT_ONCE) return undefined
    after = texts.at(-1)
  }
}

/**
 * Looks for such a tag in our own tree and in the mirrors, before anything is deleted or hidden.
 *
 * @throws RegistryError DENIED when there is one; UNAVAILABLE when a mirror that may have one could not be asked
 */
export async function refuseImmutable(
  overlay: Overlay,
  name: RepositoryName,
  rules: StandingRules,
  options: Abortable & { to?: Digest },
): Promise<void> {
  if (!rules.hasImmutable(name)) return
  const reader = overlay.reader()
  const tag = await immutableTag(reader, name, rules, options)
  if (tag !== undefined) throw immutable(name, [tag])
  if (reader.notices.some(({ kind }) => kind !== 'stale')) throw inDoubt(name)
}
