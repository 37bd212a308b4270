import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isNotFound, syncDirectory, writeWhole } from '../blocks/files.ts'
import { storageError } from '../blocks/storage-error.ts'
import { StartError } from '../ipfs/errors.ts'

/** Which form the data has; one more with each change that an older version would not understand. */
const FORMAT = 1
const FILE = 'format'

/**
 * Looks whether this version understands a data directory, before it touches anything in it. To be called before the
 * state database is opened, which alone would change files.
 *
 * @throws StartError when a newer version wrote it, or it does not say which
 */
export async function checkFormat(path: string): Promise<void> {
  await readFormat(path)
}

/** The same, and a directory that does not say it yet does from now on. @throws StorageError too */
export async function claimFormat(path: string): Promise<void> {
  if ((await readFormat(path)) !== undefined) return
  try {
    await writeWhole(path, FILE, Buffer.from(`${FORMAT}\n`))
    await syncDirectory(path)
  } catch (error) {
    throw storageError(`${join(path, FILE)} could not be written`, error)
  }
}

async function readFormat(path: string): Promise<number | undefined> {
  const file = join(path, FILE)
  const text = await read(file)
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}\n?$/.test(text))
    throw new StartError(
      `${file} does not say which form the data has (a number): restore it from a backup, or remove it if no newer ` +
        `version of Heliport than this one ever ran on the data directory`,
    )
  const format = Number(text)
  if (format > FORMAT)
    throw new StartError(
      `the data directory ${path} is of a newer version of Heliport (format ${format}, and this one knows up to ` +
        `${FORMAT}), so nothing in it was changed: install the newer version again, or choose another storage.path`,
    )
  return format
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
