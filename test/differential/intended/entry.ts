import { codesOf } from '../exchange.ts'
import type { Exchange } from '../exchange.ts'
import type { Step } from '../step.ts'
import type { Answer } from '../wire.ts'

/** A difference that is meant to be: what differs, when, and why. */
export interface Intended {
  readonly id: string
  /** What may differ (see `Difference`); when the status does, nothing else is compared. */
  readonly aspects: readonly string[]
  /**
   * Whether this is it. As narrow as can be: it says what Heliport has to answer, and where the reference has no answer of
   * use, it judges Heliport's by what the sequence has done.
   *
   * @param aspect which of them, where it matters
   */
  readonly when: (exchange: Exchange, aspect: string) => boolean
  /** What each of the two does. */
  readonly difference: string
  /** Why Heliport does it its way. */
  readonly reason: string
  /** Where that is written. */
  readonly source: string
  /** Afterwards they may hold different things, and have to be brought together (see `align.ts`). */
  readonly aligns?: boolean
  /** A sequence that shows it, played before the random ones: an entry that does not fire any more has to go. */
  readonly example: readonly Step[]
}

/** Whether the answer has this status, and for an error with a body these codes. */
export function says(answer: Answer, status: number, codes?: string): boolean {
  if (answer.status !== status) return false
  return codes === undefined || answer.body.length === 0 || codesOf(answer) === codes
}

/** Whether the answer is one of these statuses, and names no error code: a router's that knows no such address. */
export function isPlain(answer: Answer, ...statuses: number[]): boolean {
  return statuses.includes(answer.status) && codesOf(answer) === undefined
}
