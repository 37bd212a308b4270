import { tryParseDigest } from '../oci/digest.ts'
import { tryParseName } from '../oci/name.ts'
import { isBranch, layout } from './layout.ts'
import { repositoriesOf } from './repository-walk.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { Draft } from './draft.ts'
import type { Drafts } from './drafts.ts'
import type { Path } from './layout.ts'

/** A repository that changed the tree. */
export interface Move {
  readonly name: RepositoryName
  readonly action: 'publish' | 'unpublish'
  readonly digest?: undefined
  readonly tag?: undefined
}

/**
 * Moves every repository into the tree that the rules want it in. Names are looked at, and only what moves is touched:
 * its directories are linked in the other tree as they are, with the bytes it needs. Bytes that no repository of the tree
 * that it left links go out of that one.
 *
 * @throws what keeps any of it from being read
 */
export async function arrange(drafts: Drafts, options: BlockOptions = {}): Promise<Move[]> {
  const { rules } = drafts
  const [published, others] = await Promise.all([
    namesIn(drafts.public, options),
    namesIn(drafts.private, options),
  ])
  const leaving = published.filter((name) => !rules.isPublished(name))
  const coming = others.filter((name) => rules.isPublished(name))
  await move({ from: drafts.public, to: drafts.private, names: leaving, all: published }, options)
  await move({ from: drafts.private, to: drafts.public, names: coming, all: others }, options)
  return [
    ...leaving.map((name): Move => ({ name, action: 'unpublish' })),
    ...coming.map((name): Move => ({ name, action: 'publish' })),
  ]
}

interface Moving {
  readonly from: Draft
  readonly to: Draft
  /** Those that move. */
  readonly names: readonly RepositoryName[]
  /** All that were in `from`. */
  readonly all: readonly RepositoryName[]
}

async function move({ from, to, names, all }: Moving, options: BlockOptions): Promise<void> {
  if (names.length === 0) return
  const moved = new Set<Digest>()
  for (const name of names) {
    for await (const digest of digestsOf(from, name, options)) {
      if (moved.has(digest)) continue
      const data = await from.file(layout.blobData(digest), options)
      if (data === undefined) continue // a tree that was made elsewhere may have a link without bytes
      await to.set(layout.blobData(digest), data, options)
      moved.add(digest)
    }
    await moveBranches(from, to, layout.repository(name), options)
  }
  const gone = new Set(names)
  for (const name of all) {
    if (moved.size === 0) return
    if (gone.has(name)) continue
    for await (const digest of digestsOf(from, name, options)) moved.delete(digest)
  }
  for (const digest of moved) await from.remove(layout.blob(digest), options)
}

async function moveBranches(
  from: Draft,
  to: Draft,
  repository: Path,
  options: BlockOptions,
): Promise<void> {
  for (const branch of (await from.names(repository, options))?.filter(isBranch) ?? []) {
    const path = [...repository, branch]
    const directory = await from.file(path, options)
    if (directory === undefined) throw new Error('a repository is moved before it is changed')
    await to.graft(path, directory, options)
    await from.remove(path, options)
  }
}

/** What a repository links. */
async function* digestsOf(
  draft: Draft,
  name: RepositoryName,
  options: BlockOptions,
): AsyncGenerator<Digest> {
  const repository = layout.repository(name)
  for (const branch of [
    [...repository, '_layers'],
    [...layout.manifests(name), 'revisions'],
  ]) {
    for (const algorithm of (await draft.names(branch, options)) ?? []) {
      for (const hex of (await draft.names([...branch, algorithm], options)) ?? []) {
        const digest = tryParseDigest(`${algorithm}:${hex}`)
        if (digest !== undefined) yield digest
      }
    }
  }
}

async function namesIn(draft: Draft, options: BlockOptions): Promise<RepositoryName[]> {
  const view = await draft.below(layout.repositories)
  const names: RepositoryName[] = []
  for await (const text of repositoriesOf(view, undefined, options)) {
    const name = tryParseName(text)
    if (name !== undefined) names.push(name)
  }
  return names
}
