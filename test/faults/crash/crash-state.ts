import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { FileContent } from './file-content.ts'
import { NameTable } from './name-table.ts'
import type { SeededRandom } from '../random.ts'
import type { Loss } from './file-content.ts'
import type { Change } from './trace.ts'

/** A data directory as it was when the daemon was started, which is as safe as it will be. */
export interface Before {
  /** A copy of it. */
  readonly copy: string
  /** The inodes of the files that the daemon then worked on. */
  readonly inodes: ReadonlyMap<bigint, string>
}

/** Notes a data directory before a daemon is started on it. Files that are never changed in place are only linked. */
export function noteBefore(data: string, copy: string): Before {
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true, mode: 0o700 })
  const inodes = new Map<bigint, string>()
  for (const name of readdirSync(data)) {
    const flags = name === 'blocks' ? '-al' : '-a'
    execFileSync('cp', [flags, join(data, name), copy])
  }
  for (const path of filesIn(data))
    inodes.set(statSync(join(data, path), { bigint: true }).ino, path)
  return { copy, inodes }
}

function filesIn(data: string): string[] {
  const entries = readdirSync(data, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(data.length + 1))
}

/**
 * Makes of a data directory what a machine finds there whose power was cut: what was synced, and of everything else as
 * much as `loss` leaves.
 *
 * The rules are those of POSIX, taken strictly: fsync of a file makes its bytes safe and not its name; a name is safe
 * when its directory was synced, and names that were not may have been made, or not, in any combination. LevelDB was
 * written for file systems that keep more (a name with the file's own sync, and all names in their order, as ext4, XFS
 * and Btrfs do), so in its directories it gets that.
 */
export function cutPower(
  data: string,
  { copy, inodes }: Before,
  changes: readonly Change[],
  loss: Loss,
  random: SeededRandom,
): void {
  const files = new Map<bigint, FileContent>()
  const names = new NameTable()
  for (const [inode, path] of inodes) names.has(path, inode)
  const contentOf = (inode: bigint): FileContent => {
    const known = files.get(inode)
    if (known !== undefined) return known
    const path = inodes.get(inode)
    const content = new FileContent(
      path === undefined ? Buffer.alloc(0) : readFileSync(join(copy, path)),
    )
    files.set(inode, content)
    return content
  }
  replay(changes, files, names, contentOf)

  const after = names.afterLoss(loss, random)
  const made = `${data}.after`
  rmSync(made, { recursive: true, force: true })
  execFileSync('cp', ['-al', copy, made])
  for (const path of inodes.values()) if (!after.has(path)) rmSync(join(made, path))
  for (const [path, inode] of after) {
    if (inodes.get(inode) === path && !files.has(inode)) continue
    if (!names.isSafeDirectory(dirname(path))) continue
    rmSync(join(made, path), { force: true }) // a link to the copy, which must stay as it is
    mkdirSync(dirname(join(made, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(made, path), contentOf(inode).afterLoss(loss, random), { mode: 0o600 })
  }
  rmSync(data, { recursive: true })
  renameSync(made, data)
}

function replay(
  changes: readonly Change[],
  files: Map<bigint, FileContent>,
  names: NameTable,
  contentOf: (inode: bigint) => FileContent,
): void {
  const begun = new Map<number, number>()
  // The number of a file that is gone may be given to a new one, while the old one may still be what is safe.
  const reused = new Map<bigint, bigint>()
  const idOf = (inode: bigint): bigint => reused.get(inode) ?? inode
  for (const [order, change] of changes.entries()) {
    switch (change.kind) {
      case 'create':
        reused.set(change.inode, BigInt(-order - 1))
        files.set(idOf(change.inode), new FileContent(Buffer.alloc(0)))
        names.change({ ...change, inode: idOf(change.inode), order })
        break
      case 'write':
        contentOf(idOf(change.inode)).change({
          order,
          at: change.number,
          data: Buffer.from(change.data),
        })
        break
      case 'truncate':
        contentOf(idOf(change.inode)).change({ order, at: change.number, data: undefined })
        break
      case 'syncBegin':
        begun.set(change.number, order)
        break
      case 'syncEnd': {
        const since = begun.get(change.number) ?? 0
        if (change.path === '') contentOf(idOf(change.inode)).synced(since)
        names.synced(change.path === '' ? undefined : change.path, idOf(change.inode), since)
        break
      }
      default:
        names.change({ ...change, order })
    }
  }
}
