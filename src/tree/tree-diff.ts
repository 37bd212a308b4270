import { LINK_MAX_BYTES, decodeLink, isDerived, layout, linkAt } from './layout.ts'
import { RootView } from './view.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Digest } from '../oci/digest.ts'
import type { DirectoryReader } from './directory.ts'
import type { LinkKind, Path } from './layout.ts'
import type { CID } from 'multiformats/cid'

/** One thing that is not the same in two registries. */
export type Difference = LinkKind & {
  /** `changed` is a tag that points elsewhere. */
  readonly change: 'added' | 'removed' | 'changed'
  /** What a tag pointed to before, and points to now. */
  readonly from?: Digest | undefined
  readonly to?: Digest | undefined
}

/** A directory or file on both sides; `undefined` where there is none. */
interface Pair {
  readonly path: Path
  readonly from: CID | undefined
  readonly to: CID | undefined
}

/**
 * Tells two trees apart in the registry's words: tags, manifests and blobs that are only in one of them, and tags that
 * point elsewhere. What has the same CID on both sides is not looked into, so it costs what differs.
 */
export async function* diffTrees(
  reader: DirectoryReader,
  from: CID | undefined,
  to: CID | undefined,
  options: BlockOptions = {},
): AsyncGenerator<Difference> {
  const at = async (root: CID | undefined): Promise<CID | undefined> =>
    root && (await new RootView(root, reader).file(layout.repositories, options))?.cid
  const top = { path: layout.repositories, from: await at(from), to: await at(to) }
  yield* differences(reader, top, options)
}

async function* differences(
  reader: DirectoryReader,
  { path, from, to }: Pair,
  options: BlockOptions,
): AsyncGenerator<Difference> {
  options.signal?.throwIfAborted()
  if (from === to || (from !== undefined && to?.equals(from) === true)) return
  const link = linkAt(path)
  if (link !== undefined) return yield await told(reader, link, { path, from, to }, options)
  if (path.at(-1) === 'link') return
  const [before, now] = await Promise.all([
    entriesOf(reader, from, options),
    entriesOf(reader, to, options),
  ])
  for (const name of [...new Set([...before.keys(), ...now.keys()])].sort()) {
    const pair = { path: [...path, name], from: before.get(name), to: now.get(name) }
    if (!isDerived(pair.path)) yield* differences(reader, pair, options)
  }
}

async function told(
  reader: DirectoryReader,
  link: LinkKind,
  { from, to }: Pair,
  options: BlockOptions,
): Promise<Difference> {
  const change = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed'
  if (link.kind !== 'tag') return { ...link, change }
  const [before, now] = await Promise.all([
    digestIn(reader, from, options),
    digestIn(reader, to, options),
  ])
  return { ...link, change, from: before, to: now }
}

async function digestIn(
  reader: DirectoryReader,
  cid: CID | undefined,
  options: BlockOptions,
): Promise<Digest | undefined> {
  const node = cid === undefined ? undefined : await reader.load(cid, options)
  return node?.kind === 'leaf' && node.size <= LINK_MAX_BYTES ? decodeLink(node.bytes) : undefined
}

async function entriesOf(
  reader: DirectoryReader,
  cid: CID | undefined,
  options: BlockOptions,
): Promise<Map<string, CID>> {
  const entries = new Map<string, CID>()
  if (cid === undefined) return entries
  for await (const entry of reader.list(cid, options)) entries.set(entry.name, entry.cid)
  return entries
}
