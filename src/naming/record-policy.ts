import { DAY } from './clock.ts'
import { rootOf } from './root-value.ts'
import type { CID } from 'multiformats/cid'
import type { IpnsRecord } from './record.ts'

/** A record valid for longer than this is not taken: it could be replayed for ever. Milliseconds. */
export const MAX_VALIDITY = 5 * 365 * DAY

/** What is to be done with a record of a mirrored name. */
export type Ruling =
  /** It moves the name forward to this root. */
  | { readonly kind: 'newer'; readonly root: CID }
  /** It says what we know; perhaps for longer. */
  | { readonly kind: 'same'; readonly root: CID }
  /** Somebody is behind, or replays. */
  | { readonly kind: 'older' }
  /** It is not followed, and why. */
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * The rules for a record that is signed as it should be. The owner of a name is not trusted with more than moving it
 * forward: one root per sequence, a plain `/ipfs/<cid>`, for a bounded time (faults B-threats 3 and 4, C08-C12).
 */
export function ruleOn(
  record: IpnsRecord,
  floor: { readonly sequence: bigint; readonly root: CID } | undefined,
  now: number,
): Ruling {
  if (floor !== undefined && record.sequence < floor.sequence) return { kind: 'older' }
  const isNewer = record.sequence !== floor?.sequence
  if (record.validUntil <= now) return isNewer ? refused('a record has expired') : { kind: 'older' }
  if (record.validUntil > now + MAX_VALIDITY)
    return refused('a record is valid for more than five years')
  const root = rootOf(record.value)
  if (root === undefined) {
    const shown = JSON.stringify(record.value.slice(0, 80))
    return refused(`a record points to ${shown}, which is not /ipfs/ and a directory's CID`)
  }
  if (floor === undefined || isNewer) return { kind: 'newer', root }
  const roots = `${floor.root.toString()} came first, ${root.toString()} is refused`
  if (root.equals(floor.root)) return { kind: 'same', root }
  return refused(`two records have sequence ${record.sequence}: ${roots}`)
}

function refused(reason: string): Ruling {
  return { kind: 'refused', reason }
}
