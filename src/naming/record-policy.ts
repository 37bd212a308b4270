import { DAY } from './clock.ts'
import { hasExpired } from './record.ts'
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
  const root = rootOf(record.value)
  if (floor !== undefined && record.sequence === floor.sequence) {
    if (hasExpired(record, now)) return { kind: 'older' }
    if (root?.equals(floor.root) === true) return { kind: 'same', root }
    const roots = `${floor.root.toString()} came first, ${shown(record)} is refused`
    return refused(`two records have sequence ${record.sequence}: ${roots}`)
  }
  if (hasExpired(record, now)) return refused('a record has expired')
  if (lastsTooLong(record, now)) return refused('a record is valid for more than five years')
  if (root === undefined)
    return refused(`a record points to ${shown(record)}, which is not /ipfs/ and a directory's CID`)
  return { kind: 'newer', root }
}

/** Whether a record could be replayed for longer than we would have it, or our clock is years behind. */
export function lastsTooLong(record: IpnsRecord, now: number): boolean {
  return record.validUntil > now + MAX_VALIDITY
}

function shown({ value }: IpnsRecord): string {
  return JSON.stringify(value.slice(0, 80))
}

function refused(reason: string): Ruling {
  return { kind: 'refused', reason }
}
