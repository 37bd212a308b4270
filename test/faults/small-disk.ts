import { execFileSync } from 'node:child_process'
import { temporaryDirectory } from '../support/temporary.ts'

/** A file system of so many bytes; `undefined` when we may not make one. */
export async function smallDisk(
  bytes: number,
): Promise<(AsyncDisposable & { path: string }) | undefined> {
  const directory = await temporaryDirectory()
  const { path } = directory
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], {
      stdio: 'pipe',
    })
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
