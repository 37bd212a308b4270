import { algorithmOf, digestOf, tryParseDigest } from '../../../src/oci/digest.ts'
import { headerOf } from '../exchange.ts'
import { contentOf } from '../universe.ts'
import { digestText } from '../world.ts'
import { says } from './entry.ts'
import { BY_SHA256, PUSH, START } from './examples.ts'
import type { Exchange } from '../exchange.ts'
import type { Intended } from './entry.ts'

const singlePost: Intended = {
  id: 'single-post',
  aspects: ['status'],
  when: ({ step, heliport, reference }) => {
    if (step.do !== 'single' || !says(reference, 202)) return false
    const digest = tryParseDigest(digestText(step.digest))
    const isRight =
      digest !== undefined && digestOf(contentOf(step.blob), algorithmOf(digest)) === digest
    return isRight ? says(heliport, 201) : says(heliport, 400, 'DIGEST_INVALID')
  },
  difference:
    'A blob in a single `POST`: Heliport takes it (201, or 400 when the digest is wrong). Distribution opens an upload (202).',
  reason:
    'It saves a round trip. A registry that cannot do it has to answer 202, with which clients go on.',
  source: 'distribution-spec, “Single POST” (end-4b)',
  aligns: true,
  example: [{ do: 'single', repository: 'a', blob: 'layer', digest: BY_SHA256 }],
}

const anonymousMount: Intended = {
  id: 'anonymous-mount',
  aspects: ['status'],
  when: ({ step, heliport, reference }) =>
    step.do === 'mount' && step.from === undefined && says(heliport, 201) && says(reference, 202),
  difference:
    'A mount without `from`: Heliport finds the blob in any repository (201). Distribution opens an upload (202).',
  reason: 'The registry “MAY treat the `from` parameter as optional”; the official suite tests it.',
  source: 'distribution-spec, “Mounting a blob from another repository” (end-11)',
  aligns: true,
  example: [...PUSH, { do: 'mount', repository: 'a/b', digest: BY_SHA256, from: undefined }],
}

const uploadStart: Intended = {
  id: 'upload-start',
  aspects: ['status', 'oci-chunk-min-length'],
  when: ({ step, heliport, reference }) => {
    if (step.do !== 'start' && step.do !== 'mount') return false
    if (!says(reference, 202) || headerOf(reference, 'oci-chunk-min-length') !== undefined)
      return false
    if (step.do === 'start' && step.algorithm === 'md5')
      return says(heliport, 400, 'DIGEST_INVALID')
    return says(heliport, 202) && headerOf(heliport, 'oci-chunk-min-length') === '4194304'
  },
  difference:
    'Heliport says `OCI-Chunk-Min-Length`, and refuses a `digest-algorithm` that it does not know. Distribution knows neither.',
  reason:
    'Larger chunks are faster; and it is better to hear before an upload than after it that it cannot be finished.',
  source: 'distribution-spec, “Pushing a blob in chunks” (end-4c); the 400 is in “Pushing blobs”',
  example: [START, { ...START, algorithm: 'md5' }],
}

/** A 416 says where the upload stands, and where it goes on. */
function saysWhereItStands({ heliport, upload, world }: Exchange): boolean {
  if (upload === undefined || !says(heliport, 416, 'RANGE_INVALID')) return false
  const address = `/v2/${world.name(upload.repository)}/blobs/uploads/`
  return (
    headerOf(heliport, 'range') === `0-${Math.max(0, upload.sent - 1)}` &&
    headerOf(heliport, 'location')?.startsWith(address) === true
  )
}

const chunks: Intended = {
  id: 'chunks',
  aspects: ['status', 'range', 'location'],
  when: (exchange) => {
    const { step, heliport, reference } = exchange
    if (step.do !== 'append' && step.do !== 'finish') return false
    const isOtherType = step.do === 'append' && step.type !== undefined
    const isChunked = step.do === 'append' && step.chunked === true
    const isTaken = says(heliport, 202) || says(heliport, 400, 'SIZE_INVALID')
    if (isTaken) {
      if (says(reference, 202)) return isChunked
      return says(reference, 500, 'UNKNOWN') && (isOtherType || step.range === 'with a unit')
    }
    if (!saysWhereItStands(exchange)) return false
    if (says(reference, 416, 'RANGE_INVALID')) return headerOf(reference, 'range') === undefined
    if (says(reference, 202)) return isChunked
    const isNoRange = step.range === 'text' || step.range === 'with a unit'
    return says(reference, 500, 'UNKNOWN') && (isOtherType || isNoRange)
  },
  difference:
    'Heliport’s 416 says where the upload stands. A malformed `Content-Range` is 416 (Distribution: 500), one as RFC 9110 writes it (`bytes 0-4/*`) is taken (Distribution: 500), one on a chunk without `Content-Length` counts (Distribution: ignored), and the chunk’s `Content-Type` does not matter (Distribution: 500 but for `application/octet-stream`).',
  reason:
    'A client goes on from such a 416 without asking. What a client sent wrong is no failure of the server; out of order MUST be 416.',
  source: 'distribution-spec, “Pushing a blob in chunks” (end-5); RFC 9110 15.6',
  aligns: true,
  example: [
    START,
    { do: 'append', upload: 0, amount: 'some', range: 'gap' },
    { do: 'append', upload: 0, amount: 'some', range: 'text' },
    { do: 'append', upload: 0, amount: 'some', range: 'gap', chunked: true },
    START,
    { do: 'append', upload: 0, amount: 'some', range: 'none', type: 'text/plain' },
  ],
}

const unknownUpload: Intended = {
  id: 'unknown-upload',
  aspects: ['codes'],
  when: ({ step, upload, heliport, reference }) =>
    (step.do === 'append' || step.do === 'finish' || step.do === 'cancel') &&
    (upload === undefined || (step.in !== undefined && step.in !== upload.repository)) &&
    says(heliport, 404, 'BLOB_UPLOAD_UNKNOWN') &&
    says(reference, 404, 'BLOB_UPLOAD_INVALID'),
  difference:
    'An upload that was never begun, or in another repository: BLOB_UPLOAD_UNKNOWN from Heliport, BLOB_UPLOAD_INVALID from Distribution; both 404.',
  reason:
    'That is what it is. Distribution looks at its own signature in the address first, and that is wrong.',
  source: 'distribution-spec, “Error Codes” (code-3)',
  example: [
    { do: 'cancel', upload: 0 },
    START,
    { do: 'append', upload: 0, in: 'a/b', amount: 'some', range: 'none' },
  ],
}

const failedUpload: Intended = {
  id: 'failed-upload',
  aspects: ['status'],
  when: ({ step, upload, heliport, reference }) =>
    step.do === 'status' &&
    upload?.open === false &&
    says(heliport, 404, 'BLOB_UPLOAD_UNKNOWN') &&
    says(reference, 204),
  difference:
    'An upload whose content did not have the digest: it has ended in Heliport. In Distribution it stays, with what it holds.',
  reason:
    'Nothing that is added to it can make it right. Distribution means to cancel it as well (`blobupload.go`), but its writer is closed by then.',
  source: 'distribution-spec, “Pushing blobs”: 400; what becomes of the upload is not said',
  aligns: true,
  example: [
    START,
    {
      do: 'finish',
      upload: 0,
      amount: 'the rest',
      range: 'none',
      digest: { blob: 'byte', algorithm: 'sha256' },
    },
  ],
}

export const UPLOADS: readonly Intended[] = [
  singlePost,
  anonymousMount,
  uploadStart,
  chunks,
  unknownUpload,
  failedUpload,
]
