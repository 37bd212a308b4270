import { randomBytes } from 'node:crypto'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartError, errorCode } from './errors.ts'
import { readSecretFile } from './secret-file.ts'

/** The keychain's own lower limit (NIST SP 800-132 asks for more than a word). */
const MIN_LENGTH = 20

/** What an operator can do whose password does not fit. */
export const FIRST_PASSWORD =
  'HELIPORT_PASSWORD or keys.passwordFile must give the password of the first start, which cannot be changed yet; ' +
  'without both it is the generated one, keys/password in the data directory'

/** What unlocks the keychain. */
export interface KeySecret {
  readonly password: string
  readonly salt: string
  /** Where the password came from, for messages. */
  readonly source: string
}

export interface SecretOptions {
  /** The data directory; the secret lives in its `keys/`. */
  dataDir: string
  /** `keys.passwordFile`; `null` or absent: the generated one. */
  passwordFile?: string | null | undefined
  /** The password itself, from the environment. Wins over the file. */
  password?: string | undefined
}

/**
 * Finds the keychain's password (environment, then file, then the generated one) and its salt, making what does not
 * exist yet. Files it makes are 0600.
 *
 * @throws StartError when a file is none or readable by others, too short, or one of the pair is lost
 */
export async function loadSecret(options: SecretOptions): Promise<KeySecret> {
  const directory = join(options.dataDir, 'keys')
  if ((await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined)
    await syncDirectory(options.dataDir)
  const saltFile = join(directory, 'salt')
  const known = (await readSecretText(saltFile)) !== undefined
  const { password, source } = await findPassword(options, directory, known)
  if (password.length < MIN_LENGTH) {
    throw new StartError(`the password in ${source} is shorter than ${MIN_LENGTH} characters`)
  }
  return { password, source, salt: await readOrMake(saltFile, known) }
}

async function findPassword(
  options: SecretOptions,
  directory: string,
  known: boolean,
): Promise<{ password: string; source: string }> {
  if (options.password !== undefined)
    return { password: options.password, source: 'HELIPORT_PASSWORD' }
  if (options.passwordFile !== undefined && options.passwordFile !== null) {
    return {
      password: await readNamed(options.passwordFile),
      source: `keys.passwordFile ${options.passwordFile}`,
    }
  }
  const file = join(directory, 'password')
  const password = await readSecretText(file)
  if (password !== undefined) return { password, source: file }
  // A new password would only lock us out of the keys that are there.
  if (known)
    throw new StartError(
      `${file} is lost: restore it, or, if another password was set at the first start, name that by HELIPORT_PASSWORD or keys.passwordFile`,
    )
  return { password: await make(file), source: file }
}

/** @throws StartError that names the option, whatever is wrong with its file */
async function readNamed(file: string): Promise<string> {
  const problem = (what: string, cause?: unknown): StartError =>
    new StartError(`keys.passwordFile: ${what}`, cause === undefined ? {} : { cause })
  let password: string | undefined
  try {
    password = await readSecretText(file)
  } catch (error) {
    if (error instanceof StartError) throw problem(error.message, error)
    const code = errorCode(error)
    if (code === undefined) throw error
    throw problem(`${file} cannot be read (${code})`, error)
  }
  if (password === undefined) throw problem(`${file} does not exist`)
  return password
}

async function readOrMake(file: string, known: boolean): Promise<string> {
  if (!known) return make(file)
  const text = await readSecretText(file)
  if (text === undefined || text.length < 16)
    throw new StartError(`${file} is damaged: restore it from a backup`)
  return text
}

/** The text of such a file, without the line break at its end. */
async function readSecretText(file: string): Promise<string | undefined> {
  return (await readSecretFile(file))?.toString('utf8').replace(/\r?\n$/, '')
}

/**
 * Writes 32 random bytes to a new file and waits until they are on disk, with their name: the keys that are made next
 * are of no use without them. What is there under the name is whole, whenever we are killed.
 */
async function make(file: string): Promise<string> {
  const text = randomBytes(32).toString('base64url')
  const temporary = `${file}.tmp` // one that a killed process left is written over
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(`${text}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  await syncDirectory(dirname(file))
  return text
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
