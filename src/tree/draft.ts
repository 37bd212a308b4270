import type { BlockOptions } from '../blocks/block-store.ts'
import type { Entry } from '../blocks/nodes.ts'
import type { DirectoryEditor } from './directory-edit.ts'
import type { DirectoryReader } from './directory.ts'
import type { Path } from './layout.ts'
import type { TreeView } from './view.ts'

/** What is different under a name: a directory that may be different below, a new file, or nothing any more. */
type Change = DraftDirectory | { readonly file: Entry } | undefined

/** A directory that is being changed: what it was, and what is different. */
interface DraftDirectory {
  /** The directory as it was; `undefined` when it is new. */
  readonly base: Entry | undefined
  readonly changes: Map<string, Change>
  /** It comes from another place, so it is new here as it is. */
  readonly isGrafted?: boolean
}

/** How to take back one change: what stood under a name before. */
interface Undo {
  directory: DraftDirectory
  name: string
  had: boolean
  before: Change
}

/**
 * Our tree while a commit is being prepared: edits change it in memory, read what they changed, and are taken back
 * alone when they fail. {@link write} then writes each touched directory once, bottom-up.
 *
 * Nothing it does creates over what cannot be read: a directory that must be changed is read first, and a read that
 * fails fails the edit (promise I3). Directories that lose their last entry disappear, so a root depends on what is in
 * the tree and not on what once was.
 */
export class Draft implements TreeView {
  readonly #reader: DirectoryReader
  #root: DraftDirectory
  /** What stood in its place before the last {@link replace}. */
  #replaced: { root: DraftDirectory; undo: Undo[] } | undefined
  #undo: Undo[] = []

  constructor(reader: DirectoryReader, root: Entry | undefined) {
    this.#reader = reader
    this.#root = { base: root, changes: new Map() }
  }

  async file(path: Path, options?: BlockOptions): Promise<Entry | undefined> {
    const found = await this.#find(path, options)
    return found === undefined || 'changes' in found ? undefined : found
  }

  async names(path: Path, options?: BlockOptions): Promise<readonly string[] | undefined> {
    const found = await this.#find(path, options)
    if (found === undefined) return undefined
    const base = 'changes' in found ? found.base : found
    const known = base === undefined ? [] : await this.#reader.names(base.cid, options)
    if (!('changes' in found)) return known
    const names = new Set(known)
    for (const [name, change] of found.changes) {
      if (await this.#isThere(change)) names.add(name)
      else names.delete(name)
    }
    return [...names].sort()
  }

  async below(path: Path): Promise<TreeView> {
    return {
      file: (rest, options) => this.file([...path, ...rest], options),
      names: (rest, options) => this.names([...path, ...rest], options),
      below: (rest) => this.below([...path, ...rest]),
    }
  }

  /** Puts a file at a path, making the directories above it. */
  async set(path: Path, file: Entry, options?: BlockOptions): Promise<void> {
    const directory = await this.#open(path.slice(0, -1), options)
    this.#change(directory, last(path), { file })
  }

  /** Removes what is at a path, file or directory. Fine when nothing is there. */
  async remove(path: Path, options?: BlockOptions): Promise<void> {
    if ((await this.#find(path, options)) === undefined) return
    const directory = await this.#open(path.slice(0, -1), options)
    this.#change(directory, last(path), undefined)
  }

  /** Puts a directory of another tree at a path, as it is. */
  async graft(path: Path, directory: Entry, options?: BlockOptions): Promise<void> {
    const above = await this.#open(path.slice(0, -1), options)
    this.#change(above, last(path), { base: directory, changes: new Map(), isGrafted: true })
  }

  /** Puts another tree in the place of the whole one; `undefined` is the empty one. */
  replace(root: Entry | undefined): void {
    this.#replaced ??= { root: this.#root, undo: this.#undo }
    this.#root = { base: root, changes: new Map() }
    this.#undo = []
  }

  /** Marks the point to which {@link rollback} goes back: all changes before it stay. */
  checkpoint(): void {
    this.#undo = []
    this.#replaced = undefined
  }

  /** Takes back every change since the last {@link checkpoint}. */
  rollback(): void {
    if (this.#replaced !== undefined) {
      this.#root = this.#replaced.root
      this.#undo = this.#replaced.undo
      this.#replaced = undefined
    }
    for (const { directory, name, had, before } of this.#undo.reverse()) {
      if (had) directory.changes.set(name, before)
      else directory.changes.delete(name)
    }
    this.#undo = []
  }

  /** Writes all changed directories, and returns the new root; `undefined` when the tree is empty. */
  write(editor: DirectoryEditor, options?: BlockOptions): Promise<Entry | undefined> {
    return writeDirectory(this.#root, editor, options)
  }

  #change(directory: DraftDirectory, name: string, value: Change): void {
    const had = directory.changes.has(name)
    this.#undo.push({ directory, name, had, before: directory.changes.get(name) })
    directory.changes.set(name, value)
  }

  /** The directory at a path, ready to be changed. */
  async #open(path: Path, options?: BlockOptions): Promise<DraftDirectory> {
    let directory = this.#root
    for (const name of path) {
      const change = directory.changes.get(name)
      if (change !== undefined && 'changes' in change) {
        directory = change
        continue
      }
      const below: DraftDirectory = {
        base: await this.#baseOf(directory, name, options),
        changes: new Map(),
      }
      this.#change(directory, name, below)
      directory = below
    }
    return directory
  }

  async #baseOf(
    directory: DraftDirectory,
    name: string,
    options?: BlockOptions,
  ): Promise<Entry | undefined> {
    if (directory.changes.has(name) || directory.base === undefined) return undefined
    return this.#reader.lookup(directory.base.cid, name, options)
  }

  async #find(path: Path, options?: BlockOptions): Promise<DraftDirectory | Entry | undefined> {
    let at: DraftDirectory | Entry = this.#root
    for (const name of path) {
      const next: DraftDirectory | Entry | undefined = await this.#step(at, name, options)
      if (next === undefined) return undefined
      at = next
    }
    return 'changes' in at && !(await this.#hasAny(at)) ? undefined : at
  }

  async #step(
    at: DraftDirectory | Entry,
    name: string,
    options?: BlockOptions,
  ): Promise<DraftDirectory | Entry | undefined> {
    if (!('changes' in at)) return this.#reader.lookup(at.cid, name, options)
    if (at.changes.has(name)) {
      const change = at.changes.get(name)
      return change !== undefined && 'file' in change ? change.file : change
    }
    return at.base === undefined ? undefined : this.#reader.lookup(at.base.cid, name, options)
  }

  /** Whether anything is left in a directory, since one without entries does not exist. */
  async #hasAny(directory: DraftDirectory): Promise<boolean> {
    for (const change of directory.changes.values()) {
      if (await this.#isThere(change)) return true
    }
    if (directory.base === undefined) return false
    for await (const entry of this.#reader.list(directory.base.cid)) {
      if (!directory.changes.has(entry.name)) return true
    }
    return false
  }

  async #isThere(change: Change): Promise<boolean> {
    return change !== undefined && ('file' in change || (await this.#hasAny(change)))
  }
}

async function writeDirectory(
  directory: DraftDirectory,
  editor: DirectoryEditor,
  options?: BlockOptions,
): Promise<Entry | undefined> {
  const changes = new Map<string, Entry | undefined>()
  for (const [name, change] of directory.changes) {
    if (change === undefined) changes.set(name, undefined)
    else if ('file' in change) changes.set(name, change.file)
    else if (change.changes.size > 0 || change.isGrafted === true)
      changes.set(name, await writeDirectory(change, editor, options))
  }
  if (changes.size === 0) return directory.base
  return editor.edit(directory.base?.cid, changes, options)
}

function last(path: Path): string {
  const name = path.at(-1)
  if (name === undefined) throw new Error('the root itself cannot be set or removed')
  return name
}
