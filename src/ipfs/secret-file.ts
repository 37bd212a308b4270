import { readFile, stat } from 'node:fs/promises'
import { StartError, errorCode } from './errors.ts'

/**
 * The bytes of a file that holds a secret, `undefined` when there is none.
 *
 * @throws StartError when others may read it
 */
export async function readSecretFile(file: string): Promise<Buffer | undefined> {
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0) {
      const bits = (mode & 0o777).toString(8)
      throw new StartError(`${file} can be read by other users (mode ${bits}): run chmod 600 on it`)
    }
    return await readFile(file)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
