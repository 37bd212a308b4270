import { OCI_IMAGE_INDEX } from '../../oci/media-type.ts'
import { isJsonObject } from '../../oci/json.ts'
import { listAt, readObject } from './json-object.ts'
import { readServed } from './evidence.ts'
import type { Digest } from '../../oci/digest.ts'

/** What clients write of a referrer (distribution-spec, "Referrers Tag Schema"). */
const FIELDS: ReadonlySet<string> = new Set([
  'mediaType',
  'digest',
  'size',
  'artifactType',
  'annotations',
  'platform',
])

/**
 * Whether a manifest is a list of referrers and no more: an index whose entries only name manifests, each of which has to
 * pass by itself when it is asked for. With `data` an entry would bring its manifest along, and with `urls` it would say
 * where else to get it; there are clients that heed both (image-spec, descriptor.md), and never ask us.
 */
export function isListOfReferrers(digest: Digest, bytes: Uint8Array): boolean {
  if (readServed(digest, bytes)?.facts.mediaType !== OCI_IMAGE_INDEX) return false
  return listAt(readObject(bytes), 'manifests').every(
    (entry) => isJsonObject(entry) && Object.keys(entry).every((key) => FIELDS.has(key)),
  )
}
