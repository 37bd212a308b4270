import { algorithmOf, hexOf } from '../../oci/digest.ts'
import { fromBase64 } from './base64.ts'
import { at, listAt, readObject } from './json-object.ts'
import type { Digest } from '../../oci/digest.ts'
import type { KeySet } from './key-set.ts'

const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
const STATEMENTS: ReadonlySet<unknown> = new Set([
  'https://in-toto.io/Statement/v1',
  'https://in-toto.io/Statement/v0.1',
])

/**
 * What `cosign sign` states. Other statements with the same key (an SBOM, a scan that found something) are about an image,
 * and do not say that it is good.
 */
const SIGNED = 'https://sigstore.dev/cosign/sign/v1'

/** Signatures of one envelope that are tried; cosign writes one. */
const SIGNATURES_MAX = 4

/** Whether an envelope (DSSE 1.0.2) is signed, and states of this manifest that it was signed. */
export async function isSignedEnvelope(
  envelope: unknown,
  digest: Digest,
  keys: KeySet,
): Promise<boolean> {
  const payload = fromBase64(at(envelope, 'payload'))
  if (payload === undefined || at(envelope, 'payloadType') !== PAYLOAD_TYPE) return false
  const message = preAuthEncoding(PAYLOAD_TYPE, payload)
  for (const each of listAt(envelope, 'signatures').slice(0, SIGNATURES_MAX)) {
    const signature = fromBase64(at(each, 'sig'))
    if (signature !== undefined && (await keys.verify(message, signature)))
      return statesSigned(payload, digest)
  }
  return false
}

/** What is signed in place of the payload: its type is part of it. */
export function preAuthEncoding(type: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `
  return Buffer.concat([Buffer.from(head), payload])
}

/** in-toto attestation spec, "Statement": a subject with any of the digests is the subject. */
function statesSigned(payload: Uint8Array, digest: Digest): boolean {
  const statement = readObject(payload)
  if (!STATEMENTS.has(at(statement, '_type')) || at(statement, 'predicateType') !== SIGNED)
    return false
  return listAt(statement, 'subject').some(
    (subject) => at(subject, 'digest', algorithmOf(digest)) === hexOf(digest),
  )
}
