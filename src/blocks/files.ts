import { randomBytes } from 'node:crypto'
import { open, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { together } from './gate.ts'

/** True for the error of a file that does not exist. Any other error means "could not read" (promise I3). */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Makes what was renamed into, or removed from, a directory survive power loss. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Reads a whole file; `undefined` when it does not exist. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Size of a file in bytes; `undefined` when it does not exist. */
export async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const session = randomBytes(6).toString('hex')
let counter = 0

/**
 * Writes a file so that it is either wholly there or not at all: under a name nobody else has (two writers of one
 * temporary name tear each other's file), synced, then renamed. The caller syncs the directory.
 */
export async function writeWhole(
  directory: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = temporaryPath(directory, name)
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(temporary, join(directory, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/**
 * Removes temporary files that a killed process left in a directory. Those of this process are left alone; no other
 * process is in the data directory.
 */
export async function removeTemporary(directory: string): Promise<number> {
  const names = await readdir(directory)
  const left = names.filter((name) => /^\..*\.tmp$/.test(name) && !name.includes(`.${session}-`))
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true })))
  return left.length
}

/**
 * Writes a file that is not there yet, and returns when it and its name are safe on disk. Others see it whole or not at
 * all; only a power cut in between may leave a part of it.
 */
export async function writeNew(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryPath(directory, name)
  let path = temporary
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(bytes)
    path = join(directory, name)
    await rename(temporary, path)
    // At once: the disk then writes both together.
    await together(handle.datasync(), syncDirectory(directory))
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

function temporaryPath(directory: string, name: string): string {
  return join(directory, `.${name.slice(0, 80)}.${session}-${counter++}.tmp`)
}
