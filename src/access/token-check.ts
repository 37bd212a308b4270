import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { RegistryError } from '../oci/errors.ts'
import type { CryptoKey, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose'
import type { AccessEntry } from './scope.ts'

/** Longer tokens are not looked at: with them the headers of a request would soon be too long. */
export const MAX_TOKEN_LETTERS = 12 * 1024
const MAX_ENTRIES = 128
/** Clocks of two machines may differ by so much, in seconds. */
const TOLERANCE = 10

/** Headers by which a token would bring its own key (CVE-2025-24976), or change how it is read. */
const FORBIDDEN = ['jwk', 'jku', 'x5c', 'x5u', 'crit', 'zip', 'b64'] as const

/** What a token says. */
export interface TokenClaims {
  /** `undefined` for an anonymous one. */
  readonly subject: string | undefined
  readonly access: readonly AccessEntry[]
  /** In tokens of our own: {@link Logins.stampOf} when it was given. */
  readonly stamp?: unknown
}

/** What a token has to be. */
export interface TokenRules {
  readonly key: CryptoKey | JWTVerifyGetKey
  readonly algorithms: readonly string[]
  readonly issuer: string
  readonly audience: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Reads `Authorization: Bearer …` and checks the token.
 *
 * @returns `undefined` when there is no such header
 * @throws RegistryError UNAUTHORIZED
 */
export async function readToken(
  authorization: readonly string[],
  rules: TokenRules,
): Promise<TokenClaims | undefined> {
  const [header, second] = authorization
  if (header === undefined) return undefined
  const [, token] =
    /^bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+) *$/i.exec(header) ?? []
  if (second !== undefined || token === undefined || token.length > MAX_TOKEN_LETTERS)
    throw invalid()
  try {
    return claimsOf(await verified(token, rules))
  } catch (error) {
    // What is wrong with a token is one of these; a TypeError is a header that is no JSON object.
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw invalid(error)
    throw error
  }
}

async function verified(token: string, rules: TokenRules): Promise<JWTPayload> {
  const header = decodeProtectedHeader(token)
  if (FORBIDDEN.some((name) => name in header)) throw invalid()
  const options = {
    algorithms: [...rules.algorithms],
    issuer: rules.issuer,
    audience: rules.audience,
    requiredClaims: ['exp'],
    clockTolerance: TOLERANCE,
    currentDate: new Date(rules.now()),
  }
  const { key } = rules
  if (typeof key !== 'function') return (await jwtVerify(token, key, options)).payload
  try {
    return (await jwtVerify(token, key, options)).payload
  } catch (error) {
    // Several keys could have signed it: none has a name, or the token says none.
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    return await verifiedByAny(token, error, options)
  }
}

async function verifiedByAny(
  token: string,
  keys: AsyncIterable<CryptoKey>,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of keys) {
    try {
      return (await jwtVerify(token, key, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

function claimsOf({ sub, access, stamp }: JWTPayload): TokenClaims {
  const list: unknown[] = Array.isArray(access) ? access : []
  if (list.length > MAX_ENTRIES) throw invalid()
  const entries = list.flatMap((entry) => entryOf(entry))
  return { subject: subjectOf(sub), access: entries, ...(stamp === undefined ? {} : { stamp }) }
}

/**
 * Who it is for: text (RFC 7519 §4.1.2), or nobody in particular, which services also write as '' or null. Another service
 * may sign anything, and whatever else stands here must not be taken for somebody who has logged in.
 */
function subjectOf(sub: unknown): string | undefined {
  if (sub === undefined || sub === null || sub === '') return undefined
  if (typeof sub !== 'string') throw invalid()
  return sub
}

function entryOf(entry: unknown): AccessEntry[] {
  if (typeof entry !== 'object' || entry === null) return []
  const { type, name, actions } = entry as Partial<Record<keyof AccessEntry, unknown>>
  if (typeof type !== 'string' || typeof name !== 'string' || !Array.isArray(actions)) return []
  return [{ type, name, actions: actions.filter((action) => typeof action === 'string') }]
}

function invalid(cause?: unknown): RegistryError {
  return new RegistryError('UNAUTHORIZED', { message: 'the token is not valid here', cause })
}
