import { mkdir, readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isNotFound } from './files.ts'

/**
 * Makes a directory, with its parents. Not `mkdir` with `recursive`: where nothing can be made (`/proc/x`) that goes on
 * trying for ever, in one of the threads that all reads and writes wait for.
 *
 * @param mode of those that are made
 * @returns the uppermost that was made; `undefined` when all were there
 * @throws the system's error when it cannot be made, or something else stands there
 */
export async function makeDirectories(path: string, mode = 0o777): Promise<string | undefined> {
  const there = await isDirectory(path)
  if (there === true) return undefined
  const parent = dirname(path)
  const isTop = there === false || parent === path
  const uppermost = isTop ? undefined : await makeDirectories(parent, mode)
  try {
    await mkdir(path, { mode })
    return uppermost ?? path
  } catch (error) {
    if ((await isDirectory(path)) === true) return uppermost // somebody else was quicker
    throw error
  }
}

/** `undefined` when nothing is there. */
async function isDirectory(path: string): Promise<boolean | undefined> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** What is in a directory, which is made, for its owner alone, when it is not there. */
export async function readdirOrMake(path: string): Promise<string[]> {
  await makeDirectories(path, 0o700)
  return readdir(path)
}
