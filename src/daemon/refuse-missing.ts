import { stat } from 'node:fs/promises'
import { isNotFound } from '../blocks/files.ts'
import { StartError } from '../ipfs/errors.ts'

/** A command that only looks at a registry makes none where there is none. @throws StartError */
export async function refuseMissing(part: string, path: string): Promise<void> {
  try {
    await stat(part)
  } catch (error) {
    if (!isNotFound(error)) throw error
    throw new StartError(
      `there is no registry in ${path}: name its data directory by --data or --config`,
    )
  }
}
