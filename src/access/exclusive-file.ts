import { randomBytes } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { UserListError } from './user-list.ts'
import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

/** How long another command may keep the file, in ms: it reads and writes it once. */
const PATIENCE_MS = 10_000
const LOOK_MS = 20

/**
 * Keeps other commands away from a file, by another one beside it.
 *
 * @param patience how long to wait for somebody else, in ms
 * @throws UserListError when he keeps it all the time, or was killed while he did
 */
export async function lockFile(file: string, patience = PATIENCE_MS): Promise<AsyncDisposable> {
  const path = `${file}.lock`
  const until = performance.now() + patience
  for (;;) {
    const handle = await createNew(path)
    if (handle !== undefined) {
      await handle.close()
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    }
    if (performance.now() > until)
      throw new UserListError(
        `${path} is there: another command is changing the users; if none runs, one was killed: delete that file`,
      )
    await pause(LOOK_MS)
  }
}

async function createNew(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
    throw error
  }
}

/**
 * Writes a file anew, with the owner and the rights that it had; a new one can be read by its owner alone. Whoever reads it
 * meanwhile, a daemon too, sees the old or the new one.
 *
 * @throws UserListError when it is somebody else's
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await write(temporary, text, await stat(file).catch(nothing))
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const directory = await open(dirname(file), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function nothing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

async function write(path: string, text: string, like: Stats | undefined): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    if (like !== undefined) {
      await own(handle, like, path)
      await handle.chmod(like.mode & 0o777)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The daemon may be another user, who must be able to read it as before. */
async function own(handle: FileHandle, { uid, gid }: Stats, path: string): Promise<void> {
  const is = await handle.stat()
  if (is.uid === uid && is.gid === gid) return
  try {
    await handle.chown(uid, gid)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EPERM') throw error
    const file = path.replace(/\.[0-9a-f]{12}\.tmp$/, '')
    throw new UserListError(
      `${file} belongs to another user (${uid}, group ${gid}): run the command as that user, or as root`,
      { cause: error },
    )
  }
}
