import { open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readFile } from '../blocks/file-reader.ts'
import { isNotFound } from '../blocks/files.ts'
import { makeDirectories } from '../blocks/make-directories.ts'
import { algorithmOf, createHasher } from '../oci/digest.ts'
import { RegistryError } from '../oci/errors.ts'
import { shown } from '../oci/shown.ts'
import { TOP, digestOfData } from './layout.ts'
import { LayoutWalk } from './layout-walk.ts'
import { rootPlace } from './places.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { Digest, Hasher } from '../oci/digest.ts'
import type { Repositories } from '../oci/repository-pattern.ts'
import type { DirectoryReader } from './directory.ts'
import type { Path } from './layout.ts'
import type { DirectoryPlace, Place } from './places.ts'
import type { CID } from 'multiformats/cid'

/** A tree to export, by its root. */
export interface ExportedTree {
  readonly name: string
  readonly root: CID
  readonly directories: DirectoryReader
  /** The repositories of it that exist; all when it is absent. */
  readonly repositories?: Repositories | undefined
}

/** How far an export has come: files that are whole, and bytes, also of the one that is being written. */
export interface ExportProgress {
  files: number
  bytes: number
}

/** Deepest path that is followed: a repository's name of 255 characters has at most 128 segments. */
const DEPTH_LIMIT = 3 + 1 + 128 + 8

/**
 * Writes trees as plain files that a stock registry serves from its `rootdirectory`. Several trees become one: where
 * two have the same file, the first wins, as it does when they are served.
 *
 * Names and bytes may be a stranger's: a name that is not a plain file name is refused, and `data` is written only
 * under the digest it has.
 *
 * @param directory must not exist yet, or be empty
 * @param options `progress`: kept up to date, also within a file
 * @yields after each file, how far it is (the same object each time)
 * @throws RegistryError DENIED when the directory is not empty, or cannot be made
 */
export async function* exportTrees(
  trees: readonly ExportedTree[],
  directory: string,
  {
    progress = { files: 0, bytes: 0 },
    ...options
  }: BlockOptions & { progress?: ExportProgress } = {},
): AsyncGenerator<ExportProgress> {
  await takeEmpty(directory)
  const onBytes = (bytes: number): void => void (progress.bytes += bytes)
  for (const tree of trees) {
    const top = await tree.directories.lookup(tree.root, TOP, options)
    if (top === undefined) continue
    const place = (await placesOf(tree, options))?.below(TOP)
    for await (const file of filesOf(tree, { path: [TOP], cid: top.cid, place }, options)) {
      const isWritten = await named(tree, file.path, options, () =>
        writeFile(tree, file, { directory, onBytes }, options),
      )
      if (!isWritten) continue
      progress.files++
      yield progress
    }
  }
}

/** What the system says when the path is the trouble, and not the disk. */
const IMPOSSIBLE = new Set(
  'ENOENT ENOTDIR EEXIST ENAMETOOLONG ELOOP EACCES EPERM EROFS EINVAL ERR_INVALID_ARG_VALUE'.split(
    ' ',
  ),
)

/** Makes the directory, or takes one that is empty. @throws RegistryError DENIED */
async function takeEmpty(directory: string): Promise<void> {
  try {
    if ((await namesIn(directory)).length === 0) return
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!IMPOSSIBLE.has(code)) throw error
    throw new RegistryError('DENIED', {
      message: `nothing can be exported to ${shown(directory, 200)} (${code}); choose another directory`,
      cause: error,
    })
  }
  throw new RegistryError('DENIED', {
    message: `${directory} is not empty; choose a new directory`,
  })
}

/** What is in it, once it is there. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (!isNotFound(error)) throw error
    await makeDirectories(directory)
    return []
  }
}

interface Located {
  readonly path: Path
  readonly cid: CID
  /** What may stand there; `undefined` where everything may. */
  readonly place?: Place | undefined
}

/** What there is of a tree some of whose repositories do not exist: the others, and the blobs they link. */
async function placesOf(
  { root, directories, repositories }: ExportedTree,
  options: BlockOptions,
): Promise<DirectoryPlace | undefined> {
  if (repositories === undefined || repositories.isAll) return undefined
  const linked = new Set<Digest>()
  const walk = new LayoutWalk(
    {
      reader: directories,
      onLink: (digest) => Promise.resolve(void (digest && linked.add(digest))),
      onData: () => Promise.resolve(),
      onUnreadable: (error) => {
        throw error
      },
    },
    options,
  )
  await walk.run(root, rootPlace(repositories, false))
  return rootPlace(repositories, linked)
}

async function* filesOf(
  tree: ExportedTree,
  at: Located,
  options: BlockOptions,
): AsyncGenerator<Located> {
  options.signal?.throwIfAborted()
  if (at.path.length > DEPTH_LIMIT) throw broken(tree, at.path, 'is nested too deeply')
  const node = await named(tree, at.path, options, () => tree.directories.load(at.cid, options))
  if (node.kind === 'leaf' || node.kind === 'file') {
    yield at
    return
  }
  for await (const { name, cid } of tree.directories.list(at.cid, options)) {
    const place = at.place?.kind === 'directory' ? at.place.below(name) : undefined
    if (at.place !== undefined && place === undefined) continue
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name)) {
      throw broken(
        tree,
        at.path,
        `holds ${JSON.stringify(name)}, which is not a name of the registry layout`,
      )
    }
    yield* filesOf(tree, { path: [...at.path, name], cid, place }, options)
  }
}

/** Writes one file. @returns whether it did: an earlier tree may have written it */
async function writeFile(
  tree: ExportedTree,
  { path, cid }: Located,
  { directory, onBytes }: { directory: string; onBytes: (bytes: number) => void },
  options: BlockOptions,
): Promise<boolean> {
  const target = join(directory, ...path)
  await makeDirectories(dirname(target))
  const handle = await openNew(target)
  if (handle === undefined) return false
  const hasher = hasherFor(path)
  try {
    for await (const bytes of readFile(tree.directories.source, cid, options)) {
      hasher?.update(bytes)
      await handle.writeFile(bytes)
      onBytes(bytes.length)
    }
    if (hasher !== undefined) checkDigest(path, hasher)
  } catch (error) {
    await rm(target, { force: true }) // half a file must not be served
    throw error
  } finally {
    await handle.close()
  }
  return true
}

async function openNew(path: string): Promise<Awaited<ReturnType<typeof open>> | undefined> {
  try {
    return await open(path, 'wx')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
    throw error
  }
}

function hasherFor(path: Path): Hasher | undefined {
  const claimed = digestOfData(path)
  return claimed === undefined ? undefined : createHasher(algorithmOf(claimed))
}

function checkDigest(path: Path, hasher: Hasher): void {
  const actual = hasher.digest()
  const claimed = digestOfData(path)
  if (actual !== claimed) throw new Error(`its bytes are ${actual}`)
}

/** Says whose file it was that could not be exported, and why: an export that is not whole must not pass for one. */
async function named<T>(
  tree: ExportedTree,
  path: Path,
  { signal }: BlockOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    signal?.throwIfAborted()
    throw broken(
      tree,
      path,
      `cannot be exported: ${error instanceof Error ? error.message : error}`,
      error,
    )
  }
}

function broken(tree: ExportedTree, path: Path, what: string, cause?: unknown): RegistryError {
  const where = tree.name === 'own' ? 'our own tree' : `mirror ${tree.name}`
  return new RegistryError('UNAVAILABLE', {
    message: `the export is not whole: ${path.join('/')} of ${where} ${what}`,
    cause,
  })
}
