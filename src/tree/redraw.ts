import { ALL_REPOSITORIES } from '../oci/repository-pattern.ts'
import { rootPlace } from './places.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { CID } from 'multiformats/cid'
import type { DirectoryEditor } from './directory-edit.ts'
import type { DirectoryReader } from './directory.ts'
import type { DirectoryPlace } from './places.ts'

/**
 * Draws a tree anew in our own form: what has a place in the layout and nothing else, each directory flat or a HAMT as we
 * would have written it. The files stay what they are. A tree that a Heliport drew comes out as the very same root; one
 * of another program becomes one that can be changed (we only edit HAMTs of our own fanout).
 *
 * @param editor writes the directories
 * @returns the new root; `undefined` when nothing is in the tree
 * @throws what the reader throws for directories that are not here, or break the rules
 */
export function redrawTree(
  reader: DirectoryReader,
  editor: DirectoryEditor,
  root: CID,
  options: BlockOptions = {},
): Promise<Entry | undefined> {
  return redraw({ reader, editor, options }, root, rootPlace(ALL_REPOSITORIES, true))
}

interface Parts {
  readonly reader: DirectoryReader
  readonly editor: DirectoryEditor
  readonly options: BlockOptions
}

async function redraw(
  parts: Parts,
  cid: CID,
  { below }: DirectoryPlace,
): Promise<Entry | undefined> {
  const entries = new Map<string, Entry>()
  for await (const { name, cid: child, treeSize } of parts.reader.list(cid, parts.options)) {
    const place = below(name)
    if (place === undefined || entries.has(name)) continue // of two with one name, readers find the first
    const entry =
      place.kind === 'directory' ? await redraw(parts, child, place) : { cid: child, treeSize }
    if (entry !== undefined) entries.set(name, entry)
  }
  return entries.size === 0 ? undefined : parts.editor.edit(undefined, entries, parts.options)
}
