import { open } from 'node:fs/promises'
import { CommandError } from './io.ts'

/**
 * Writes a new file that only its owner may read, and never over one that is there.
 *
 * @throws CommandError when there is one
 */
export async function writeSecretFile(path: string, content: Uint8Array | string): Promise<void> {
  const file = await createNew(path)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function createNew(path: string) {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error
    throw new CommandError(`${path} exists already and is not overwritten: choose another file`, {
      cause: error,
    })
  }
}
