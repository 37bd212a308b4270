import { isUserName } from './basic.ts'

/** Users and their bcrypt hashes. */
export type UserList = ReadonlyMap<string, string>

/** A file of users that is none, and where. */
export class UserListError extends Error {
  static override readonly name = 'UserListError'
  override readonly name = 'UserListError'
}

/** bcrypt with its cost: others are broken (MD5, SHA-1, crypt), or no hash at all. */
const HASH = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** Below, a stolen file is guessed too fast; above, a login takes a second and more. */
const COST = { least: 10, most: 15 }

/** Users that one file may have. */
const MAX_USERS = 100_000

/** The cost of a hash that {@link parseUserList} let through. */
export function costOf(hash: string): number {
  return Number(HASH.exec(hash)?.[1])
}

/**
 * Reads a file of users: a line `name:hash` each, as `htpasswd -B` and `heliport user add` write them. Empty lines and those
 * that begin with `#` do not count.
 *
 * @param file its name, for the message
 * @throws UserListError with the line; it says no part of a hash
 */
export function parseUserList(text: string, file: string): UserList {
  const users = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (isBlank(line)) continue
    const [name, hash] = halves(line)
    const problem =
      problemOf(name, hash) ?? (users.has(name) ? 'this user is there twice' : undefined)
    if (problem !== undefined) throw new UserListError(`${file}:${index + 1}: ${problem}`)
    users.set(name, hash)
    if (users.size > MAX_USERS) throw new UserListError(`${file}: more than ${MAX_USERS} users`)
  }
  return users
}

/** Whether a line is of a user, with a password that {@link parseUserList} would let through. */
export function isWholeLine(line: string): boolean {
  const [name, hash] = halves(line)
  return problemOf(name, hash) === undefined
}

/** Whether a line is of a user, whatever the password, or of none that counts. */
export function isUserLine(line: string): boolean {
  return isBlank(line) || isUserName(halves(line)[0])
}

function isBlank(line: string): boolean {
  return line.trim() === '' || line.startsWith('#')
}

/** A name, empty where there is none, and a hash. */
function halves(line: string): [name: string, hash: string] {
  const colon = line.indexOf(':')
  return [line.slice(0, Math.max(colon, 0)), line.slice(colon + 1)]
}

function problemOf(name: string, hash: string): string | undefined {
  if (!isUserName(name))
    return 'this is no line of a user: write name:hash, the name of the characters a-z A-Z 0-9 . _ @ -'
  if (!HASH.test(hash))
    return `the password of ${name} is not hashed by bcrypt: make it anew with heliport user add ${name} (or htpasswd -B), or drop it with heliport user remove ${name}`
  const cost = costOf(hash)
  if (cost >= COST.least && cost <= COST.most) return undefined
  return `the password of ${name} is hashed with a cost of ${cost}, and ${COST.least} to ${COST.most} are taken: make it anew with heliport user add ${name}`
}
