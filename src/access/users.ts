import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isPassword, isUserName } from './basic.ts'
import { hashPassword } from './passwords.ts'
import { UserListError, parseUserList } from './user-list.ts'

/** In bytes: shorter ones are guessed. */
const LEAST_BYTES = 8

/**
 * Adds a user to a file of users, which is made if need be, or gives one another password. What else is in the file stays
 * as it is, comments too.
 *
 * @returns whether there was such a user
 * @throws UserListError for a name or password that cannot be one, or a file that is none
 */
export async function setUser(file: string, name: string, password: string): Promise<boolean> {
  if (!isUserName(name))
    throw new UserListError(
      'a name has 1 to 128 of the characters a-z A-Z 0-9 . _ @ - and begins with a letter or digit',
    )
  if (!isPassword(password) || Buffer.byteLength(password) < LEAST_BYTES)
    throw new UserListError(`a password has ${LEAST_BYTES} bytes at least and 72 at most`)
  const hash = await hashPassword(password)
  return change(file, name, `${name}:${hash}`)
}

/** @returns whether there was such a user. @throws UserListError for a file that is none */
export function removeUser(file: string, name: string): Promise<boolean> {
  return change(file, name, undefined)
}

/** The names in a file of users, in order. @throws UserListError */
export async function listUsers(file: string): Promise<string[]> {
  const text = await readIfThere(file)
  if (text === undefined) throw new UserListError(`auth.htpasswd: there is no ${file}`)
  return [...parseUserList(text, file).keys()].toSorted()
}

async function change(file: string, name: string, line: string | undefined): Promise<boolean> {
  const text = (await readIfThere(file)) ?? ''
  const had = parseUserList(text, file).has(name)
  if (!had && line === undefined) return false
  const lines = text.split('\n').filter((each) => each !== '')
  const kept = lines.map((each) => (each.startsWith(`${name}:`) ? line : each))
  const all = had ? kept : [...kept, line]
  await replace(file, all.flatMap((each) => (each === undefined ? [] : [`${each}\n`])).join(''))
  return had
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Whoever reads it meanwhile, a daemon too, sees the old or the new one. */
async function replace(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await write(temporary, text)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const directory = await open(dirname(file), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function write(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
