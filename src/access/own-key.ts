import { generateKeyPairSync } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { importPKCS8 } from 'jose'
import { TokenKeyError } from './token-keys.ts'
import { ALGORITHM } from './token-issuer.ts'
import type { CryptoKey } from 'jose'

/** The pair that signs our own tokens. */
export interface TokenKeyPair {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

/**
 * Reads the private key of our tokens, or makes it (0600). To lose it costs nobody more than a new login.
 *
 * @throws TokenKeyError for a file that is none
 */
export async function openOwnKey(file: string): Promise<TokenKeyPair> {
  const pem = (await readIfThere(file)) ?? (await makeKey(file))
  try {
    const privateKey = await importPKCS8(pem, ALGORITHM, { extractable: true })
    const jwk = await crypto.subtle.exportKey('jwk', privateKey)
    const { kty = '', crv = '', x = '', y = '' } = jwk
    const curve = { name: 'ECDSA', namedCurve: 'P-256' }
    const publicKey = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, curve, true, [
      'verify',
    ])
    return { privateKey, publicKey }
  } catch (error) {
    throw new TokenKeyError(`${file} is damaged: delete it, and a new one is made`, {
      cause: error,
    })
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

async function makeKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.tmp`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(privateKey)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  return privateKey
}
