import { createPublicKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, errors, exportJWK } from 'jose'
import type { JSONWebKeySet, JWK, JWTVerifyGetKey } from 'jose'

/** A file of keys that is none. */
export class TokenKeyError extends Error {
  static override readonly name = 'TokenKeyError'
  override readonly name = 'TokenKeyError'
}

/** Each may have to be tried for a token that names none. */
const MAX_KEYS = 32

/** What tokens may be signed with; never with a secret that both sides share. */
export const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'EdDSA']

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----/g

/**
 * The public keys of a token service: PEM (keys, or certificates, of which only the key counts) or a JWK set. For a token
 * that several of them may have signed, what is returned throws jose's error that holds them all.
 *
 * @throws TokenKeyError that names the file
 */
export async function readTokenKeys(files: readonly string[]): Promise<JWTVerifyGetKey> {
  const sets = await Promise.all(files.map(readFileOfKeys))
  const keys = sets.flat()
  if (keys.length > MAX_KEYS)
    throw new TokenKeyError(
      `auth.token.keys: there are ${keys.length} keys, and at most ${MAX_KEYS} may be there: remove those that sign no more`,
    )
  const all = createLocalJWKSet({ keys })
  const unnamed = createLocalJWKSet({ keys: keys.filter(({ kid }) => kid === undefined) })
  return async (header, token) => {
    try {
      return await all(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      // A key in PEM has no name, whatever its service calls it in tokens.
      const { kid: _, ...rest } = header
      return await unnamed(rest, token)
    }
  }
}

async function readFileOfKeys(file: string): Promise<JWK[]> {
  try {
    const text = await readFile(file, 'utf8')
    const keys = text.trimStart().startsWith('{') ? fromSet(text) : await fromPem(text)
    if (keys.length > 0) return keys
  } catch (error) {
    throw new TokenKeyError(`auth.token.keys: ${file}: ${reasonOf(error)}`, { cause: error })
  }
  throw new TokenKeyError(`auth.token.keys: ${file} holds no public key (PEM or a JWK set)`)
}

function fromSet(text: string): JWK[] {
  const { keys } = parsed(text)
  const list = Array.isArray(keys) ? keys : []
  if (list.some((key) => key.kty === 'oct' || 'd' in key))
    throw new Error('it holds a secret key: only public ones belong here')
  return list
}

/** V8 shows a piece of what it cannot read, and that may be of a secret key. */
function parsed(text: string): Partial<JSONWebKeySet> {
  try {
    return JSON.parse(text) as Partial<JSONWebKeySet>
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Error('it is not JSON')
  }
}

async function fromPem(text: string): Promise<JWK[]> {
  const blocks = [...text.matchAll(PEM)]
  if (blocks.some(([, kind]) => kind?.endsWith('PRIVATE KEY')))
    throw new Error('it holds a private key: only public ones belong here')
  return Promise.all(blocks.map(([block]) => exportJWK(createPublicKey(block))))
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
