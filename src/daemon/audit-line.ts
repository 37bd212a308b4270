import type { AuditEntry } from '../api/audit.ts'
import type { RefusalKind } from './audit-refusals.ts'

/** A line about the audit log itself: what is not in it. */
export interface AuditGap {
  /** `lost`: the file could not be written; `refusals-omitted`: there were more refusals than are told one by one. */
  readonly action: 'lost' | 'refusals-omitted'
  /** Of refusals. */
  readonly kind?: RefusalKind
  readonly count: number
}

/** No field is longer, in characters; a user's name may come from elsewhere, and so may be anything. */
const LONGEST = 256

/** What JSON leaves as it is and a terminal or a reader of lines may not: C1, and what hides, turns or breaks text. */
const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** The entry as a line of JSON, with its line break. What is not known is `null`. */
export function auditLine(entry: AuditEntry | AuditGap, time: Date): string {
  const fields = 'count' in entry ? entry : whole(entry)
  const text = JSON.stringify({ time: time.toISOString(), ...fields }, (_key, value: unknown) =>
    typeof value === 'string' && value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value,
  )
  return `${text.replace(UNSEEN, escaped)}\n`
}

/** In one order, so that lines can be read beneath each other. */
function whole(entry: AuditEntry): object {
  const { request, user, address, action, wanted, repository, reference, digest } = entry
  const { from, key, root, status, bytes } = entry
  return {
    request,
    user: user ?? null,
    address: address ?? null,
    action,
    wanted,
    repository: repository ?? null,
    reference: reference ?? null,
    digest: digest ?? null,
    from,
    key,
    root,
    status,
    bytes: bytes ?? null,
  }
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
