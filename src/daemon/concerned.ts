import { tryParseDigest } from '../oci/digest.ts'
import { MANIFEST_MAX_BYTES } from '../oci/manifest.ts'
import { mentionsOf } from '../registry/digest-mentions.ts'
import { readAll } from '../registry/read-all.ts'
import { isDamage } from '../tree/damage.ts'
import type { Pace } from '../blocks/pace.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Inventory } from '../tree/inventory.ts'
import type { Concern } from './fsck-report.ts'

/** Places that are told of one digest. */
const PLACES = 20

/** What a {@link findConcerned} works with. */
export interface ConcernedParts extends BlockOptions {
  readonly inventory: Inventory
  readonly pace: Pace
}

/**
 * Which repositories have these contents, and under which tags somebody pulls them. What cannot be read is passed over.
 *
 * @param texts digests
 */
export async function findConcerned(
  texts: ReadonlySet<string>,
  parts: ConcernedParts,
): Promise<ReadonlyMap<string, readonly Concern[]>> {
  const places = new Map<string, Concern[]>()
  const bad = new Set([...texts].flatMap((text) => tryParseDigest(text) ?? []))
  if (bad.size === 0) return places
  const tell = (digest: string, repository: string, tag: string | null): void => {
    const known = places.get(digest) ?? []
    if (known.length < PLACES) places.set(digest, [...known, { repository, tag, digest }])
  }
  await tolerant(async () => {
    for await (const name of parts.inventory.repositories())
      await tolerant(() => oneRepository(name, bad, parts, tell))
  })
  return places
}

async function oneRepository(
  name: RepositoryName,
  bad: ReadonlySet<Digest>,
  parts: ConcernedParts,
  tell: (digest: string, repository: string, tag: string | null) => void,
): Promise<void> {
  const { inventory, pace, signal } = parts
  const here = new Set<Digest>()
  for (const list of [inventory.blobs(name), inventory.manifests(name)]) {
    for await (const digest of list) {
      await pace.turn({ signal })
      if (bad.has(digest)) here.add(digest)
    }
  }
  if (here.size === 0) return
  for (const digest of here) tell(digest, name, null)
  const needed = await neededBy(name, here, parts)
  for await (const [tag, digest] of inventory.tags(name)) {
    await pace.turn({ signal })
    for (const each of needed.get(digest) ?? []) tell(each, name, tag)
  }
}

/** Which of some digests each manifest of a repository needs, itself among them, through indexes too. */
async function neededBy(
  name: RepositoryName,
  bad: ReadonlySet<Digest>,
  parts: ConcernedParts,
): Promise<ReadonlyMap<Digest, ReadonlySet<Digest>>> {
  const needed = new Map<Digest, Set<Digest>>()
  // An index names manifests that may come after it.
  const size = (): number => [...needed.values()].reduce((sum, set) => sum + set.size, 0)
  for (let before = -1; before !== size();) {
    before = size()
    for await (const digest of parts.inventory.manifests(name)) {
      await parts.pace.turn(parts)
      const mentioned = await mentionedIn(name, digest, parts)
      const own = bad.has(digest) ? [digest] : []
      const all = [...own, ...mentioned].flatMap((each) =>
        bad.has(each) ? [each] : [...(needed.get(each) ?? [])],
      )
      if (all.length > 0) needed.set(digest, new Set(all))
    }
  }
  return needed
}

async function mentionedIn(
  name: RepositoryName,
  digest: Digest,
  { inventory, signal }: ConcernedParts,
): Promise<Iterable<Digest>> {
  try {
    const content = await inventory.reader.manifest(name, digest, { signal })
    if (content === undefined || content.size > MANIFEST_MAX_BYTES) return []
    const mentions = mentionsOf(await readAll(content, { signal }))
    if (mentions === undefined) return []
    if (mentions.subject !== undefined) return mentions.all.difference(new Set([mentions.subject]))
    return mentions.all
  } catch (error) {
    if (!isDamage(error)) throw error
    return []
  }
}

async function tolerant(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isDamage(error)) throw error // it has been found before
  }
}
