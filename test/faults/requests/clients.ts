import { expects } from './bytes.ts'
import { UPLOADED_DIGEST } from './fixtures.ts'
import { leaves, leavesInTheMiddle, sendsThousandAtOnce } from './pipeline-stories.ts'
import { CHANGES } from './row.ts'
import { headersTrickle, isSilent, readsNothing, sendsSteadily } from './slow-stories.ts'
import type { Row } from './row.ts'

const MANIFEST = 'PUT /v2/app/manifests/bad'
const BLOB = `POST /v2/app/blobs/uploads/?digest=${UPLOADED_DIGEST}`
const NO_UPLOAD = 'PATCH /v2/app/blobs/uploads/x'
const [MANIFEST_LIMIT, BLOB_LIMIT] = [4 * 2 ** 20, 100 * 2 ** 30]

/** Clients that are slow (B41), wait to be asked (B42), or do not wait at all (B43). */
export const CLIENTS: readonly Row[] = [
  ['B41', 'headers that trickle, and connections without a word', headersTrickle],
  ['B41', 'an upload that stops stands where it was, and can be finished', isSilent, CHANGES],
  ['B41', 'an upload that is slow and does not stop is taken', sendsSteadily, CHANGES],
  ['B41', 'downloads that nobody takes cost little, and others go on', readsNothing, CHANGES],

  ['B42', 'a manifest too large', expects(MANIFEST, MANIFEST_LIMIT + 1), '413 MANIFEST_INVALID'],
  ['B42', 'a blob too large', expects(BLOB, BLOB_LIMIT + 1), '413 TOO_LARGE'],
  ['B42', 'an upload that is not', expects(NO_UPLOAD, 5), '404 BLOB_UPLOAD_UNKNOWN'],
  ['B42', 'no repository name', expects('PUT /v2/A/manifests/v1', 5), '400 NAME_INVALID'],
  ['B42', 'no address', expects('PUT /nowhere', 5), '404 UNSUPPORTED'],
  ['B42', 'another expectation', expects(MANIFEST, 5, 'a-reward'), '417 UNSUPPORTED'],

  ['B43', 'a thousand requests at once are answered in their order', sendsThousandAtOnce],
  ['B43', 'a client that leaves after each header', leaves],
  ['B43', 'a client that leaves in the middle of each line', leavesInTheMiddle],
]
