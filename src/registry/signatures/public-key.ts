import { constants, createHash, createPublicKey, verify } from 'node:crypto'
import type { KeyObject, VerifyKeyObjectInput } from 'node:crypto'

/** A key that is not one we verify with. Its message goes on after the file's name. */
export class KeyError extends Error {
  static override readonly name = 'KeyError'
  override readonly name = 'KeyError'
}

/** RSA below this is too weak; above the other, one check of a hostile signature would take long. */
const RSA_BITS = { least: 2048, most: 8192 }
/** Longest signature: RSA with the most bits. */
const SIGNATURE_MAX_BYTES = RSA_BITS.most / 8

const HEADER = /-----BEGIN ([A-Z0-9 ]+)-----/g

/**
 * One of the operator's public keys. How a signature is checked depends on the key alone, never on what a signature, or
 * what stands around it, says of itself: so there is no algorithm to confuse.
 */
export class PublicKey {
  /** The key's DER (SubjectPublicKeyInfo), hashed: two files with one key are one key. */
  readonly fingerprint: string
  readonly #input: VerifyKeyObjectInput

  private constructor(key: KeyObject) {
    this.#input =
      key.asymmetricKeyType === 'rsa'
        ? { key, padding: constants.RSA_PKCS1_PADDING }
        : { key, dsaEncoding: 'der' }
    const der = key.export({ type: 'spki', format: 'der' })
    this.fingerprint = createHash('sha256').update(der).digest('hex')
  }

  /**
   * Reads a public key as `cosign generate-key-pair` and `cosign import-key-pair` write it: PEM, ECDSA on P-256 or
   * RSA. What cosign 3.1.3 signs with an Ed25519 key does not verify as plain Ed25519, so such keys are refused.
   *
   * @throws KeyError
   */
  static parse(pem: string): PublicKey {
    const kinds = [...pem.matchAll(HEADER)].map(([, kind = '']) => kind)
    if (kinds.some((kind) => kind.endsWith('PRIVATE KEY')))
      throw new KeyError(
        'holds a private key, which has no place here: name the public one (cosign.pub)',
      )
    if (kinds.length !== 1 || kinds[0] !== 'PUBLIC KEY')
      throw new KeyError(
        `holds ${described(kinds)}: it must be one PEM block "PUBLIC KEY", as cosign.pub is`,
      )
    const key = read(pem)
    refuseWeak(key)
    return new PublicKey(key)
  }

  /** Whether this key made the signature of these bytes. Runs beside the event loop. */
  verify(message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    if (signature.length === 0 || signature.length > SIGNATURE_MAX_BYTES)
      return Promise.resolve(false)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    verify('sha256', message, this.#input, signature, (error, isGood) =>
      resolve(error === null && isGood),
    )
    return promise
  }
}

function described(kinds: readonly string[]): string {
  if (kinds.length === 0) return 'no PEM'
  return kinds.length === 1 ? `a "${kinds[0]}"` : `${kinds.length} PEM blocks`
}

function read(pem: string): KeyObject {
  try {
    return createPublicKey({ key: pem, format: 'pem' })
  } catch (error) {
    throw new KeyError('holds a public key that cannot be read', { cause: error })
  }
}

function refuseWeak({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): void {
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return
  const bits = details?.modulusLength ?? 0
  if (type === 'rsa' && bits >= RSA_BITS.least && bits <= RSA_BITS.most) return
  const what = type === 'ec' ? `an EC key on ${details?.namedCurve}` : `a key of type ${type}`
  throw new KeyError(
    `holds ${type === 'rsa' ? `an RSA key of ${bits} bits` : what}: use ECDSA on P-256 (cosign's own), or RSA of ${RSA_BITS.least} to ${RSA_BITS.most} bits`,
  )
}
