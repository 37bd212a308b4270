import { fromBase64 } from './base64.ts'
import { isSignedEnvelope } from './dsse.ts'
import { at, readObject } from './json-object.ts'
import type { Digest } from '../../oci/digest.ts'
import type { KeySet } from './key-set.ts'

/** `application/vnd.dev.sigstore.bundle.v0.3+json`, and the older spelling with the version as a parameter. */
const MEDIA_TYPE =
  /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.\d+\+json|\+json;version=0\.\d+)$/

/** True for the media type of a Sigstore bundle. */
export function isBundle(mediaType: unknown): boolean {
  return typeof mediaType === 'string' && MEDIA_TYPE.test(mediaType)
}

/** A manifest, and its digest. */
export interface SignedThing {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/**
 * Whether a Sigstore bundle (protobuf-specs, sigstore_bundle.proto, as JSON) is about this manifest and signed with one of
 * the keys. What it says of certificates, times and transparency logs is not looked at: there is a key, and no network.
 */
export async function isSignedBundle(
  bundle: Uint8Array,
  { digest, bytes }: SignedThing,
  keys: KeySet,
): Promise<boolean> {
  const object = readObject(bundle)
  if (object === undefined || !isBundle(at(object, 'mediaType'))) return false
  const envelope = at(object, 'dsseEnvelope')
  if (envelope !== undefined) return isSignedEnvelope(envelope, digest, keys)
  // A signature of the manifest's own bytes, as of any file.
  const signature = fromBase64(at(object, 'messageSignature', 'signature'))
  return signature !== undefined && keys.verify(bytes, signature)
}
