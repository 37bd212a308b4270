import { open } from 'node:fs/promises'
import { isNotFound } from './files.ts'
import type { FileHandle } from 'node:fs/promises'

/** A file of a secret that is none; one line for the operator, which begins with its name. */
export class SecretFileError extends Error {
  static override readonly name = 'SecretFileError'
  override readonly name = 'SecretFileError'
}

/**
 * The bytes of a file that holds a secret, `undefined` when there is none.
 *
 * @throws SecretFileError when others may read it, or it is no file
 */
export async function readSecretFile(file: string): Promise<Buffer | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
  try {
    const info = await handle.stat()
    if (info.isDirectory()) throw new SecretFileError(`${file} is a directory: name a file`)
    const { mode } = info
    if ((mode & 0o077) !== 0) {
      const bits = (mode & 0o777).toString(8)
      throw new SecretFileError(
        `${file} can be read by other users (mode ${bits}): run chmod 600 on it`,
      )
    }
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
