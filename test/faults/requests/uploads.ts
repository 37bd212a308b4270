import { ABSENT, HEX, layer, UPLOADED_DIGEST } from './fixtures.ts'
import { CHANGES } from './row.ts'
import {
  breaksOff,
  cancelledInTheMiddle,
  endsTwice,
  hasSize,
  isMeasuredAtItsEnd,
  isLongerThanItSays,
  manySessions,
  twoAtOnce,
} from './upload-stories.ts'
import type { More, Row, Sent } from './row.ts'

const OUT_OF_ORDER = '416 RANGE_INVALID'
/** Where the client can go on. */
const STANDS: More = { headers: { Range: '0-999', Location: '{upload}' } }
const UNKNOWN = '404 BLOB_UPLOAD_UNKNOWN'
/** Of a mount that could not be. */
const SESSION: More = { headers: { Location: /^\/v2\/other\/blobs\/uploads\/[\w-]+$/ } }

/** Uploads: B07 to B16. After each row that uses `{upload}`, that upload is looked at and finished. */
export const UPLOADS: readonly Row[] = [
  ['B07', 'a gap', chunk('3000-3099'), OUT_OF_ORDER, STANDS],
  ['B07', 'an overlap', chunk('500-599'), OUT_OF_ORDER, STANDS],
  ['B07', 'what was sent before', chunk('0-99'), OUT_OF_ORDER, STANDS],
  ['B07', 'a range that runs backwards', chunk('5-2'), OUT_OF_ORDER, STANDS],
  ['B07', 'what is no range', chunk('abc'), OUT_OF_ORDER, STANDS],
  ['B07', 'an empty range', chunk(''), OUT_OF_ORDER, STANDS],
  ['B07', 'a negative range', chunk('-5--1'), OUT_OF_ORDER, STANDS],
  ['B07', 'parts of numbers', chunk('1000.5-1099'), OUT_OF_ORDER, STANDS],
  ['B07', '2^63', chunk(`${2n ** 63n}-${2n ** 63n + 99n}`), OUT_OF_ORDER, STANDS],

  ['B08', 'a body shorter than its range', chunk('1000-1999', 999), '400 SIZE_INVALID'],
  ['B08', 'a body longer than its range', chunk('1000-1999', 1001), '400 SIZE_INVALID'],
  ['B08', 'a range of one byte', chunk('1000-1000', 500), '400 SIZE_INVALID'],
  ['B08', 'a body without a length is measured at its end', isMeasuredAtItsEnd, CHANGES],
  ['B08', 'a body longer than its length', isLongerThanItSays],
  ['B09', 'a body that breaks off is kept, and can be finished', breaksOff, CHANGES],

  ['B10', 'an id that nobody gave out', session('8c5b0ee2-6f0f-4a57-9a8e-0d2a1f3e4b5c'), UNKNOWN],
  ['B10', 'no id', session('x'), UNKNOWN],
  ['B10', 'a way up', session('..%2f..%2flock'), UNKNOWN],
  ['B10', 'a zero byte', session('a%00b'), UNKNOWN],
  ['B10', 'ten thousand letters', session('a'.repeat(10_000)), UNKNOWN],
  ['B10', 'the name of a prototype', session('__proto__'), UNKNOWN],
  ['B10', 'two dots', session('%2e%2e'), `${UNKNOWN}|UNSUPPORTED`],

  ['B11', 'the upload of another repository', ofAnother(), UNKNOWN],

  ['B12', 'a digest that is nowhere', mount(`mount=${ABSENT}&from=app`), '202', SESSION],
  ['B12', 'a repository that is not', mount(`mount=${layer.digest}&from=nowhere`), '202', SESSION],
  ['B12', 'a way up', mount(`mount=${layer.digest}&from=..%2f..`), '202', SESSION],
  ['B12', 'from nothing', mount(`mount=${layer.digest}&from=`), '202', SESSION],
  ['B12', 'from two', mount(`mount=${layer.digest}&from=nowhere&from=app`), '202', SESSION],
  ['B12', 'what is no digest', mount(`mount=sha256:${HEX.slice(1)}&from=app`), '202', SESSION],
  ['B12', 'nothing', mount('mount=&from=app'), '202', SESSION],
  ['B12', 'what was not mounted is not there', `HEAD /v2/other/blobs/${layer.digest}`, '404'],

  ['B13', 'two at once: one is taken, the other is 416, nothing is mixed', twoAtOnce, CHANGES],
  ['B14', 'one that was finished, or cancelled', endsTwice, CHANGES],
  ['B14', 'one that is cancelled while it is sent', cancelledInTheMiddle, CHANGES],
  ['B15', 'as many as may be, and then 429 with Retry-After', manySessions],

  ['B16', 'no byte', hasSize(0), CHANGES],
  ['B16', 'one byte', hasSize(1), CHANGES],
  ['B16', 'a byte less than a leaf', hasSize(2 ** 20 - 1), CHANGES],
  ['B16', 'a leaf', hasSize(2 ** 20), CHANGES],
  ['B16', 'a byte more than a leaf', hasSize(2 ** 20 + 1), CHANGES],
]

function chunk(range: string, length = 100): Sent {
  const body = Buffer.alloc(length)
  return { line: 'PATCH {upload}', headers: { 'Content-Range': range }, body }
}

/** Everything that can be done to a session. */
function session(id: string): Sent[] {
  return inEveryWay(`/v2/app/blobs/uploads/${id}`)
}

function ofAnother(): Sent[] {
  return inEveryWay('{elsewhere}')
}

function inEveryWay(upload: string): Sent[] {
  const body = Buffer.alloc(100)
  return [
    `GET ${upload}`,
    { line: `PATCH ${upload}`, body },
    { line: `PUT ${upload}?digest=${UPLOADED_DIGEST}`, body },
    `DELETE ${upload}`,
  ]
}

function mount(query: string): string {
  return `POST /v2/other/blobs/uploads/?${query}`
}
