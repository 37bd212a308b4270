import { RegistryError } from '../oci/errors.ts'
import type { WrongPassword } from './ports.ts'

/** A name and what is to prove it. */
export interface BasicCredentials {
  readonly user: string
  readonly password: string
}

/** bcrypt reads no more of a password, so a longer one would be as good as its beginning. */
const MAX_PASSWORD_BYTES = 72

/** Longer ones are nobody's name and password. */
const MAX_BYTES = 1024

const SCHEME = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i

/** Names that a file of users can hold. */
const USER = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/

/** Whether somebody can be called so. */
export function isUserName(name: string): boolean {
  return USER.test(name)
}

/** Whether it can be a password: bcrypt takes 72 bytes, and no NUL. */
export function isPassword(password: string): boolean {
  return (
    password !== '' && Buffer.byteLength(password) <= MAX_PASSWORD_BYTES && !password.includes('\0')
  )
}

/**
 * Reads `Authorization: Basic …` (RFC 7617, in UTF-8).
 *
 * @returns `undefined` when there is no such header
 * @throws RegistryError UNAUTHORIZED when there are two, or it can be nobody's name and password
 */
export function readBasic(authorization: readonly string[]): BasicCredentials | undefined {
  const [header, second] = authorization
  if (header === undefined) return undefined
  if (second !== undefined) throw wrong()
  const encoded = header.length > MAX_BYTES ? undefined : SCHEME.exec(header)?.[1]
  const [, user, password] = /^([^:]*):([^]*)$/.exec(decode(encoded ?? '')) ?? []
  if (user === undefined || password === undefined) throw wrong()
  if (!isUserName(user) || !isPassword(password)) throw wrong()
  return { user, password }
}

function decode(base64: string): string {
  const bytes = Buffer.from(base64, 'base64')
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : ''
}

/**
 * The same for every reason: who guesses learns nothing.
 *
 * @param cause for us alone
 */
export function wrong(cause?: WrongPassword): RegistryError {
  return new RegistryError('UNAUTHORIZED', {
    message: 'the name or the password is wrong',
    ...(cause && { cause }),
  })
}
