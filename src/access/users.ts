import { readFile, realpath } from 'node:fs/promises'
import { isPassword, isUserName } from './basic.ts'
import { lockFile, replaceFile } from './exclusive-file.ts'
import { hashPassword } from './passwords.ts'
import { UserListError, isUserLine, isWholeLine, parseUserList } from './user-list.ts'

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

async function change(named: string, name: string, line: string | undefined): Promise<boolean> {
  const file = await target(named)
  // Two commands at once would each write what they read, and one change would be lost.
  await using _lock = await lockFile(file)
  const text = (await readIfThere(file)) ?? ''
  const lines = text.replace(/\n$/, '').split('\n')
  const at = ownLines(name, lines)
  checkOthers(lines, at, file)
  const had = at.length > 0
  if (!had && line === undefined) return false
  const kept = lines.map((each, index) => {
    if (!at.includes(index)) return each
    return index === at[0] ? line : undefined
  })
  const all = had ? kept : [...(text === '' ? [] : kept), line]
  await replaceFile(file, all.flatMap((each) => (each === undefined ? [] : [`${each}\n`])).join(''))
  return had
}

/** Where the user's lines are; more than one is wrong. */
function ownLines(name: string, lines: readonly string[]): number[] {
  return lines.flatMap((line, index) => (line.startsWith(`${name}:`) ? [index] : []))
}

/**
 * What is wrong with the user's own lines is about to be mended, and must not keep him from it. Nor must others' bad
 * passwords then: of two bad lines neither could ever be mended. But in what is no file of users nothing is written.
 *
 * @throws UserListError
 */
function checkOthers(lines: readonly string[], own: readonly number[], file: string): void {
  const isMending = own.length > 1 || own.some((index) => !isWholeLine(lines[index] ?? ''))
  const others = lines.map((line, index) => {
    const isLeftOut = own.includes(index) || (isMending && isUserLine(line))
    return isLeftOut ? '' : line
  })
  parseUserList(others.join('\n'), file)
}

/** What a link leads to: that is to change, and the link to stay. */
async function target(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return file
    throw error
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
