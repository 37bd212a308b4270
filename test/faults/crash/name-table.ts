import { dirname } from 'node:path'
import type { SeededRandom } from '../random.ts'
import type { Loss } from './file-content.ts'
import type { Change } from './trace.ts'

type NameChange = Extract<Change, { kind: 'create' | 'rename' | 'unlink' | 'mkdir' | 'rmdir' }> & {
  /** Its place in the order of all changes. */
  readonly order: number
}
/** A change with what it is about. */
type Pending = NameChange & { readonly about: bigint | undefined }

/** Which file each path is: as programs see it, and as it is safe on the disk. */
export class NameTable {
  readonly #seen = new Map<string, bigint>()
  readonly #safe = new Map<string, bigint>()
  /** Directories that were made, and whether that is safe. */
  readonly #directories = new Map<string, boolean>()
  #pending: Pending[] = []

  /** A file that was there from the beginning. */
  has(path: string, inode: bigint): void {
    this.#seen.set(path, inode)
    this.#safe.set(path, inode)
  }

  change(change: NameChange): void {
    const about = change.kind === 'create' ? change.inode : this.#seen.get(change.path)
    this.#pending.push({ ...change, about })
    apply(this.#seen, change, about)
    if (change.kind === 'mkdir') this.#directories.set(change.path, false)
  }

  /**
   * A directory was synced (or a file, where `directory` is undefined) by a sync that began at that place of the order.
   */
  synced(directory: string | undefined, inode: bigint, order: number): void {
    const place = directory ?? this.#levelOf(inode)
    if (place === undefined) return
    const isCovered = (change: Pending): boolean =>
      change.order < order && placeOf(change) === place
    for (const change of this.#pending.filter(isCovered)) this.#keep(change)
    this.#pending = this.#pending.filter((change) => !isCovered(change))
  }

  /** The files that are there after the power was gone. */
  afterLoss(loss: Loss, random: SeededRandom): ReadonlyMap<string, bigint> {
    const isOver = new Set<string>()
    for (const change of this.#pending) {
      const place = placeOf(change)
      if (isOver.has(place)) continue
      // Bytes are lost where the names are kept: the worst that is.
      if (loss === 'bytes' || (loss === 'some' && random.next() < 0.6)) this.#keep(change)
      else if (isLevel(place)) isOver.add(place) // in order there
    }
    return this.#safe
  }

  /** Whether a directory is there after the power was gone, with all those above it. */
  isSafeDirectory(path: string): boolean {
    if (path === '.') return true
    return this.#directories.get(path) !== false && this.isSafeDirectory(dirname(path))
  }

  #keep(change: Pending): void {
    apply(this.#safe, change, change.about)
    if (change.kind === 'mkdir') this.#directories.set(change.path, true)
  }

  /** Where LevelDB has it. */
  #levelOf(inode: bigint): string | undefined {
    for (const [path, found] of this.#seen) {
      if (found === inode) return isLevel(dirname(path)) ? dirname(path) : undefined
    }
    return undefined
  }
}

function isLevel(directory: string): boolean {
  // The last two are those of stock parts.
  return ['state', 'datastore', 'mfs', 'ipns'].includes(directory)
}

/** The directory whose sync makes it safe; the data directory itself is '.'. */
function placeOf({ path }: Pending): string {
  return dirname(path)
}

function apply(names: Map<string, bigint>, change: NameChange, about: bigint | undefined): void {
  if (change.kind === 'unlink') names.delete(change.path)
  if (about === undefined) return
  if (change.kind === 'create') names.set(change.path, about)
  if (change.kind !== 'rename') return
  if (names.get(change.path) === about) names.delete(change.path)
  names.set(change.to, about)
}
