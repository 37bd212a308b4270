import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { image, UPLOADED, UPLOADED_DIGEST, UPLOADED_PART } from './fixtures.ts'
import { CHANGES } from './row.ts'
import type { Row, Sent } from './row.ts'

const REFUSED = '415 UNSUPPORTED'
const MANIFEST = 'PUT /v2/app/manifests/encoded'
const BLOB = `POST /v2/app/blobs/uploads/?digest=${UPLOADED_DIGEST}`
const LAST = `PUT {upload}?digest=${UPLOADED_DIGEST}`
const REST = UPLOADED.subarray(UPLOADED_PART)
/** 64 MiB of nothing, in 64 KB. */
const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024))

/** B40: what each would be when it is decompressed is good. */
export const ENCODINGS: readonly Row[] = [
  ['B40', 'a manifest in gzip', encoded(MANIFEST, 'gzip', gzipSync(image.bytes)), REFUSED],
  ['B40', 'a manifest in deflate', encoded(MANIFEST, 'deflate', deflateSync(image.bytes)), REFUSED],
  ['B40', 'a manifest in zstd', encoded(MANIFEST, 'zstd', zstdCompressSync(image.bytes)), REFUSED],
  ['B40', 'a manifest in br', encoded(MANIFEST, 'br', brotliCompressSync(image.bytes)), REFUSED],
  ['B40', 'a manifest in nothing known', encoded(MANIFEST, 'x', image.bytes), REFUSED],
  ['B40', 'two encodings', encoded(MANIFEST, 'identity, gzip', gzipSync(image.bytes)), REFUSED],
  ['B40', 'a bomb', encoded(MANIFEST, 'gzip', BOMB), REFUSED],
  ['B40', 'a blob in gzip', encoded(BLOB, 'gzip', gzipSync(UPLOADED)), REFUSED],
  ['B40', 'a chunk in zstd', encoded('PATCH {upload}', 'zstd', zstdCompressSync(REST)), REFUSED],
  ['B40', 'a chunk that is a bomb', encoded('PATCH {upload}', 'gzip', BOMB), REFUSED],
  ['B40', 'the last chunk in gzip', encoded(LAST, 'gzip', gzipSync(REST)), REFUSED],
  ['B40', 'a manifest as it is', encoded(MANIFEST, 'Identity', image.bytes), '201', CHANGES],
  ['B40', 'and its tag goes', 'DELETE /v2/app/manifests/encoded', '202', CHANGES],
]

function encoded(line: string, encoding: string, body: Uint8Array): Sent {
  return { line, headers: { 'Content-Type': image.mediaType, 'Content-Encoding': encoding }, body }
}
