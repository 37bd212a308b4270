import { open, unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileError } from './file-error.ts'
import type { CommandIO } from './io.ts'

/**
 * Writes what `-o` names: a new file that only its owner may read, and never over one that is there. One that cannot be
 * written whole is taken away again.
 *
 * @param path as in the command line
 * @throws CommandError which says what is wrong with it
 */
export async function writeSecretFile(
  path: string,
  content: Uint8Array | string,
  { cwd }: Pick<CommandIO, 'cwd'>,
): Promise<void> {
  const absolute = resolve(cwd, path)
  try {
    const file = await open(absolute, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } catch (error) {
      await unlink(absolute)
      throw error
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fileError(error, { as: '-o', path, to: 'written' })
  }
}
