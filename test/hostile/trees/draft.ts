import { drawFile } from './files.ts'
import { drawFolder } from './folders.ts'
import type { Blocks, Link, Made } from './blocks.ts'
import type { FileStyle } from './files.ts'
import type { FolderShape } from './folders.ts'

/** What takes the place of the honest drawing; `honest` draws that, for those who only change it a little. */
export type Drawing = (blocks: Blocks, honest: () => Promise<Made>) => Promise<Made> | Made

/** A file that is still to be drawn. */
export interface FileDraft {
  readonly kind: 'file'
  bytes: Uint8Array
  style: FileStyle
  draw?: Drawing
}

/** A folder that is still to be drawn. */
export interface FolderDraft {
  readonly kind: 'folder'
  readonly entries: Map<string, TreeDraft>
  shape: FolderShape
  /** More links, which need not be well formed; a folder that has some is flat. */
  readonly more: Link[]
  draw?: Drawing
}

export type TreeDraft = FileDraft | FolderDraft

export function fileDraft(bytes: Uint8Array, style: FileStyle = 'ours'): FileDraft {
  return { kind: 'file', bytes, style }
}

export function folderDraft(shape: FolderShape = 'flat'): FolderDraft {
  return { kind: 'folder', entries: new Map(), shape, more: [] }
}

/** Puts something at a path, with the folders above it. */
export function place(root: FolderDraft, path: readonly string[], what: TreeDraft): void {
  let folder = root
  for (const segment of path.slice(0, -1)) {
    const next = folder.entries.get(segment) ?? folderDraft(root.shape)
    if (next.kind !== 'folder') throw new Error(`${path.join('/')} leads through a file`)
    folder.entries.set(segment, next)
    folder = next
  }
  folder.entries.set(path.at(-1)!, what)
}

/** What stands at a path. */
export function at(root: FolderDraft, path: readonly string[]): TreeDraft | undefined {
  let found: TreeDraft | undefined = root
  for (const segment of path)
    found = found?.kind === 'folder' ? found.entries.get(segment) : undefined
  return found
}

/** Everything in a tree with its path, folders before what is in them. */
export function* everythingIn(
  folder: FolderDraft,
  path: readonly string[] = [],
): Generator<{ path: readonly string[]; node: TreeDraft }> {
  yield { path, node: folder }
  for (const [name, node] of folder.entries) {
    if (node.kind === 'folder') yield* everythingIn(node, [...path, name])
    else yield { path: [...path, name], node }
  }
}

/** Draws a tree, with all that was changed in it. */
export async function draw(blocks: Blocks, node: TreeDraft): Promise<Made> {
  const honest = (): Promise<Made> => drawHonestly(blocks, node)
  return node.draw === undefined ? honest() : node.draw(blocks, honest)
}

async function drawHonestly(blocks: Blocks, node: TreeDraft): Promise<Made> {
  if (node.kind === 'file') return drawFile(blocks, node.bytes, node.style)
  const links: Link[] = []
  for (const [name, below] of node.entries) {
    const { cid, tsize } = await draw(blocks, below)
    links.push({ name, cid, tsize })
  }
  links.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1))
  links.push(...node.more)
  return drawFolder(blocks, links, node.more.length > 0 ? 'flat' : node.shape)
}
