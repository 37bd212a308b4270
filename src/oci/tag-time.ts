import type { Digest } from './digest.ts'

/** When a tag was last pushed. */
export interface TagTime {
  /** What was pushed then: if the tag points to something else by now, this says nothing of it. */
  readonly digest: Digest
  /** Counts pushes. Not a time of day: a clock that is set must not make a tag old. */
  readonly order: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Whether it was seen to be pushed. Else it was found there, and was pushed at some time before. */
  readonly isKnown: boolean
}
