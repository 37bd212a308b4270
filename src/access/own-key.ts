import { generateKeyPairSync } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { importPKCS8 } from 'jose'
import { syncDirectory, writeWhole } from '../blocks/files.ts'
import { SecretFileError, readSecretFile } from '../blocks/secret-file.ts'
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
 * @throws TokenKeyError for a file that is none, or that others may read
 */
export async function openOwnKey(file: string): Promise<TokenKeyPair> {
  const pem = (await readSecret(file)) ?? (await makeKey(file))
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

/** @throws TokenKeyError when others may read it: they could make tokens for everybody */
async function readSecret(file: string): Promise<string | undefined> {
  try {
    return (await readSecretFile(file))?.toString('utf8')
  } catch (error) {
    if (error instanceof SecretFileError) throw new TokenKeyError(error.message, { cause: error })
    throw error
  }
}

async function makeKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const directory = dirname(file)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeWhole(directory, basename(file), Buffer.from(privateKey))
  await syncDirectory(directory)
  return privateKey
}
