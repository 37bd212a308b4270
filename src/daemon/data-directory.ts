import { access, chmod, constants, lstat, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { createHash } from 'node:crypto'
import { isNotFound, syncDirectory, writeWhole } from '../blocks/files.ts'
import { makeDirectories } from '../blocks/make-directories.ts'
import { SpareRoom } from '../blocks/spare-room.ts'
import { DataDirectoryInUseError, StateDb } from '../blocks/state-db.ts'
import { StorageError, isFull } from '../blocks/storage-error.ts'
import { claimFormat } from './data-format.ts'
import { StartError } from '../ipfs/errors.ts'

/** Where everything of one node is (DESIGN §4, "Data directory"). */
export interface DataDirectory {
  readonly path: string
  readonly blocks: string
  readonly state: string
  readonly datastore: string
  readonly uploads: string
  /** Who has the directory, for the message to whoever comes second, and for commands that look for the daemon. */
  readonly lock: string
}

/** The paths below a data directory. */
export function dataDirectory(path: string): DataDirectory {
  return {
    path,
    blocks: join(path, 'blocks'),
    state: join(path, 'state'),
    datastore: join(path, 'datastore'),
    uploads: join(path, 'uploads'),
    lock: join(path, 'lock'),
  }
}

/** What the `lock` file says. */
export interface LockInfo {
  pid: number
  startedAt: string
  /** Path of the Unix socket for commands. */
  socket: string
  /** Address of the registry API, once it listens. */
  http?: string
}

/**
 * Makes the directory if need be, closes it to others, and takes it for this process. LevelDB's lock in `state/` is
 * the real one: the system frees it however the process ends.
 *
 * @throws DataDirectoryInUseError naming the process that has it; StartError when it cannot be made, is another user's or
 * a newer version's, or there is no room
 */
export async function takeDataDirectory(directory: DataDirectory): Promise<StateDb> {
  const made = await make(directory)
  // A new directory must itself survive the power failing.
  if (made !== undefined) await syncDirectory(dirname(made))
  await close(directory)
  try {
    await claimFormat(directory.path)
    const spare = new SpareRoom(directory.path)
    let use: 'start' | 'work' = 'start'
    const state = await StateDb.open(directory.state, () => spare.giveUp(use))
    use = 'work'
    return state
  } catch (error) {
    if (error instanceof StorageError && isFull(error))
      throw new StartError(
        `the disk of the data directory ${directory.path} is full, and to start takes some MiB: make room on it ` +
          `(${error.message})`,
        { cause: error },
      )
    if (!(error instanceof DataDirectoryInUseError)) throw error
    throw new DataDirectoryInUseError(
      `the data directory ${directory.path} is in use by ${await owner(directory)}: stop that one, or choose another ` +
        `storage.path`,
      { cause: error },
    )
  }
}

async function make({ path }: DataDirectory): Promise<string | undefined> {
  try {
    return await makeDirectories(path, 0o700)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartError(
      `the data directory ${path} cannot be made (${why}): choose another storage.path`,
      { cause: error },
    )
  }
}

/** Closes it to others. @throws StartError when it is closed to us, or not ours to close */
async function close({ path }: DataDirectory): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o700)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartError(
      `the data directory ${path} is not this user's to read, write and close to others (${why}): ` +
        `give it to the user that the daemon runs as, or choose another storage.path`,
      { cause: error },
    )
  }
}

async function owner({ lock }: DataDirectory): Promise<string> {
  try {
    const { pid, startedAt } = JSON.parse(await readFile(lock, 'utf8')) as Partial<LockInfo>
    return `process ${pid}, started ${startedAt}`
  } catch (error) {
    if (isNotFound(error) || error instanceof SyntaxError) return 'another process'
    throw error
  }
}

/** Writes the `lock` file. */
export async function writeLock(directory: DataDirectory, info: LockInfo): Promise<void> {
  await writeWhole(directory.path, 'lock', Buffer.from(`${JSON.stringify(info)}\n`))
  await syncDirectory(directory.path)
}

/** Removes the `lock` file, so that no command looks for a daemon that has ended. */
export async function removeLock({ lock }: DataDirectory): Promise<void> {
  await rm(lock, { force: true })
}

/** Longest path of a Unix socket: 108 bytes with the final zero on Linux, 104 on macOS. */
const SOCKET_PATH_LIMIT = 100

/**
 * Where the socket for commands is: in the data directory, or, when that path is too long for a socket, in a directory
 * of this user's below the runtime directory.
 */
export async function socketPath(directory: DataDirectory): Promise<string> {
  const path = join(directory.path, 'heliport.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_LIMIT) return path
  const { uid } = userInfo()
  const name = createHash('sha256').update(directory.path).digest('hex').slice(0, 16)
  const own = join(await runtimeDirectory(uid), `heliport-${uid}`)
  await makeDirectories(own, 0o700)
  const { uid: ownedBy, mode } = await lstat(own) // a link to somewhere else is not ours
  if (ownedBy !== uid || (mode & 0o077) !== 0) {
    throw new StartError(
      `${own} is not this user's alone: remove it, or use a shorter storage.path`,
    )
  }
  return join(own, `${name}.sock`)
}

async function runtimeDirectory(uid: number): Promise<string> {
  const standard = join('/run/user', String(uid))
  try {
    await stat(standard)
    return standard
  } catch (error) {
    if (isNotFound(error)) return tmpdir()
    throw error
  }
}
