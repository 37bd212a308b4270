import type { ByteRange } from '../registry/ports.ts'

/** What a `Range` header asks of content: nothing we do (send all), one part, or a part that is not there. */
export type RangeRequest = undefined | ByteRange | 'unsatisfiable'

const ONE_RANGE = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i

/**
 * Reads a `Range` header (RFC 9110 14.2). Several ranges, other units and what is no range at all are answered with
 * the whole content, which RFC 9110 14.2 leaves free: no registry client asks for several.
 *
 * One deviation: a last byte before the first (`500-0`) is no valid range by RFC 9110, but the OCI conformance suite
 * wants 416 as Go's server answers it. And any range of empty content is the whole of it, since clients
 * resume with `0-` without knowing the size.
 *
 * @param size of the content in bytes
 */
export function parseRange(header: string | undefined, size: number): RangeRequest {
  const match = ONE_RANGE.exec(header ?? '')
  const [, first = '', last = ''] = match ?? []
  if ((first === '' && last === '') || size === 0) return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length }
  }
  const offset = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return offset >= size || end < offset ? 'unsatisfiable' : { offset, length: end - offset + 1 }
}

/** Whether an `If-None-Match` header names this entity tag (RFC 9110 13.1.2, weak comparison). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  return header.split(',').some((item) => item.trim().replace(/^W\//, '') === etag)
}
