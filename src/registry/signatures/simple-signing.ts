import { fromBase64 } from './base64.ts'
import { at, readObject } from './json-object.ts'
import type { Digest } from '../../oci/digest.ts'
import type { KeySet } from './key-set.ts'

/** The media type of such a payload, which is a layer of a signature's manifest. */
export const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json'

/** The annotation of that layer which holds the signature, in base64. */
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature'

const TYPE = 'cosign container image signature'

/**
 * Whether a payload of cosign's older format (its SIGNATURE_SPEC.md, "Simple Signing") is signed and names this manifest.
 * The signature is checked first, so that nothing a stranger wrote is parsed. `docker-reference` does not matter, as it
 * does not to cosign: a mirror has another host, and the newer format has no such field.
 *
 * @param signature as the annotation has it
 */
export async function isSignedPayload(
  payload: Uint8Array,
  signature: unknown,
  digest: Digest,
  keys: KeySet,
): Promise<boolean> {
  const bytes = fromBase64(signature)
  if (bytes === undefined || !(await keys.verify(payload, bytes))) return false
  const critical = at(readObject(payload), 'critical')
  return at(critical, 'type') === TYPE && at(critical, 'image', 'docker-manifest-digest') === digest
}
