import { isDeepStrictEqual } from 'node:util'
import { tryParseDigest } from '../../../src/oci/digest.ts'
import { OCI_IMAGE_INDEX } from '../../../src/oci/media-type.ts'
import { pushBlob } from '../arbitrary-blobs.ts'
import { headerOf, jsonOf } from '../exchange.ts'
import { pushed } from '../request.ts'
import { digestText } from '../world.ts'
import { isPlain, says } from './entry.ts'
import type { Exchange } from '../exchange.ts'
import type { Put, Referrers } from '../step.ts'
import type { Intended } from './entry.ts'

interface ManifestJson {
  mediaType?: string
  artifactType?: string
  config?: { mediaType?: string }
  subject?: { digest?: string }
  annotations?: unknown
}

/** What the specification wants in a list of referrers, by what the sequence has pushed. */
function expected({ world }: Exchange, { repository, digest, filter }: Referrers): unknown[] {
  const subject = digestText(digest)
  return [...world.in(repository).manifests]
    .map(([name, { bytes }]) => ({ name, bytes, json: jsonIn(bytes) }))
    .filter(({ json }) => json.subject?.digest === subject)
    .map(({ name, bytes, json }) => {
      const artifactType = json.artifactType ?? json.config?.mediaType
      return {
        mediaType: json.mediaType,
        digest: name,
        size: bytes.length,
        ...(artifactType !== undefined && { artifactType }),
        ...(json.annotations !== undefined && { annotations: json.annotations }),
      }
    })
    .filter(({ artifactType }) => filter === undefined || artifactType === filter)
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
}

function jsonIn(bytes: Buffer): ManifestJson {
  return JSON.parse(bytes.toString()) as ManifestJson
}

function listsThem(exchange: Exchange, step: Referrers): boolean {
  const { heliport } = exchange
  if (tryParseDigest(digestText(step.digest)) === undefined)
    return says(heliport, 400, 'DIGEST_INVALID')
  const list = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: expected(exchange, step) }
  return (
    says(heliport, 200) &&
    headerOf(heliport, 'content-type') === OCI_IMAGE_INDEX &&
    headerOf(heliport, 'oci-filters-applied') === (step.filter && 'artifactType') &&
    isDeepStrictEqual(jsonOf(heliport), list)
  )
}

function namesItsSubject({ heliport, reference }: Exchange, step: Put): boolean {
  return (
    headerOf(reference, 'oci-subject') === undefined &&
    headerOf(heliport, 'oci-subject') === jsonIn(pushed(step).bytes).subject?.digest
  )
}

export const REFERRERS: Intended = {
  id: 'referrers',
  aspects: ['status', 'oci-subject'],
  when: (exchange) => {
    const { step, heliport, reference } = exchange
    if (step.do === 'referrers')
      return (isPlain(reference, 404) || isPlain(reference, 301)) && listsThem(exchange, step)
    return (
      step.do === 'put' &&
      says(heliport, 201) &&
      says(reference, 201) &&
      namesItsSubject(exchange, step)
    )
  },
  difference:
    'Heliport has the referrers API, and says so with `OCI-Subject`. Distribution has none (404). Heliport’s lists are judged by what the sequence pushed.',
  reason: 'Signatures, SBOMs and other artifacts are found by it.',
  source: 'distribution-spec, “Listing Referrers” (end-12), “Pushing Manifests with Subject”',
  example: [
    ...pushBlob('a', 'json', 'sha256', 0),
    {
      do: 'put',
      repository: 'a',
      manifest: 'signature of image',
      to: { digest: 'right' },
      type: 'right',
    },
    { do: 'referrers', repository: 'a', digest: { manifest: 'image' } },
  ],
}
