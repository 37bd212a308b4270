import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '../support/temporary.ts'

const MIB = 1024 * 1024

/** A file system of so many bytes, and files if that is said; `undefined` when we may not make one. */
export async function smallDisk(
  bytes: number,
  files?: number,
): Promise<(AsyncDisposable & { path: string }) | undefined> {
  const directory = await temporaryDirectory()
  const { path } = directory
  try {
    const size = `size=${bytes}${files === undefined ? '' : `,nr_inodes=${files}`}`
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    await directory[Symbol.asyncDispose]()
    const { stderr } = error as { stderr?: Buffer }
    console.log(`      (no full disk was tried: ${String(stderr ?? error).trim()})`)
    return undefined
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      execFileSync('/bin/umount', [path])
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** A page, which is what a file on such a disk takes at the least. */
const PAGE = 4096

/**
 * Takes all that is left, in ever smaller pieces. What others free meanwhile is taken too, page by page: not so fast that
 * whoever freed it for himself has nothing of it.
 */
export async function fillUp(file: string): Promise<void> {
  await writeFile(file, '', { flag: 'a' })
  for (let size = 4 * MIB; size >= PAGE; size >>= 1) {
    try {
      for (;;) await appendFile(file, randomBytes(size))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
}

/** What it is set aside in. */
export const SPARES: readonly string[] = ['spare-start', 'spare-work']

/** Whether a daemon has set room aside in its data directory, for when the disk is full. */
export async function isSetAside(data: string): Promise<boolean> {
  try {
    const sizes = SPARES.map(async (name) => (await stat(join(data, name))).size)
    return (await Promise.all(sizes)).every((size) => size > MIB)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
