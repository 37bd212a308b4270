/** Bytes of an upload, both ends inclusive. */
export interface ChunkRange {
  start: number
  end: number
}

/** `<start>-<end>` as the distribution-spec writes it, or `bytes <start>-<end>/<size or *>` of RFC 9110 14.4. */
const CONTENT_RANGE = /^(?:bytes\s+)?(\d{1,16})-(\d{1,16})(?:\/(?:\*|\d+))?$/i

/** Reads the `Content-Range` of an uploaded chunk. */
export function parseContentRange(
  header: string | undefined,
): ChunkRange | 'malformed' | undefined {
  if (header === undefined) return undefined
  const match = CONTENT_RANGE.exec(header.trim())
  const start = Number(match?.[1])
  const end = Number(match?.[2])
  const valid = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start <= end
  return valid ? { start, end } : 'malformed'
}
