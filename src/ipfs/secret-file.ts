import { SecretFileError, readSecretFile as read } from '../blocks/secret-file.ts'
import { StartError } from './errors.ts'

/**
 * The bytes of a file that holds a secret, `undefined` when there is none.
 *
 * @throws StartError when others may read it, or it is no file
 */
export async function readSecretFile(file: string): Promise<Buffer | undefined> {
  try {
    return await read(file)
  } catch (error) {
    if (error instanceof SecretFileError) throw new StartError(error.message, { cause: error })
    throw error
  }
}
