import { DAY } from './clock.ts'

/** When nobody has confirmed the record for this long, the status says so. Milliseconds. */
const STALE_AFTER = DAY

/** What is known of a mirror otherwise. Times in ms since the epoch. */
export interface MirrorFacts {
  readonly now: number
  readonly hasRoot: boolean
  readonly isMoving: boolean
  /** Until when the record at the floor is valid; `undefined` without a floor. */
  readonly validUntil: number | undefined
  /** Since when the newest root could not be had. */
  readonly failingSince: number | undefined
  /** How long it may take until somebody confirms the record again, in ms. */
  readonly patience: number
}

/** How well a mirror knows what its name stands for. */
export class MirrorHealth {
  #startedAt = 0
  /** Whether anybody who may know has been asked since the start. */
  #hasAsked = false
  #confirmedAt: number | undefined
  #refusedAt: number | undefined
  #refusal: string | undefined

  /** Why the newest record is not followed. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** When somebody last gave us a valid record of the name that was not behind. */
  get confirmedAt(): number | undefined {
    return this.#confirmedAt
  }

  start(now: number): void {
    this.#startedAt = now
  }

  /** A round of questions is over. */
  asked(now: number): void {
    this.#hasAsked = true
    // A clock that was set back would otherwise make a confirmation last for as long as it was wrong.
    if (this.#confirmedAt !== undefined && this.#confirmedAt > now) this.#confirmedAt = now
    this.#startedAt = Math.min(this.#startedAt, now)
  }

  /** Somebody has what we have, or better. */
  confirm(now: number): void {
    this.#confirmedAt = now
  }

  /** A newer record was taken: what was refused before it does not matter any more. */
  forgive(): void {
    this.#refusal = undefined
    this.#refusedAt = undefined
  }

  /** A record is not followed; whether that is news. */
  refuse(reason: string, now: number): boolean {
    const isNews = this.#refusal !== reason
    this.#refusal = reason
    this.#refusedAt ??= now
    return isNews
  }

  condition(facts: MirrorFacts): 'waiting' | 'current' | 'advancing' | 'stale' | 'error' {
    if (this.#refusal !== undefined) return 'error'
    if (facts.isMoving) return 'advancing'
    if (!facts.hasRoot) return 'waiting'
    const hasExpired = (facts.validUntil ?? 0) <= facts.now
    const isUnheard = facts.now - (this.#confirmedAt ?? this.#startedAt) > STALE_AFTER
    return hasExpired || isUnheard ? 'stale' : 'current'
  }

  /** Since when the root that serves may not be the owner's newest; `undefined` while it was confirmed a short time ago. */
  staleSince(facts: MirrorFacts): number | undefined {
    const { validUntil, now } = facts
    const since = [
      this.#refusedAt,
      facts.failingSince,
      validUntil !== undefined && validUntil <= now ? validUntil : undefined,
      this.#unconfirmedSince(facts),
    ].filter((time) => time !== undefined)
    return since.length === 0 ? undefined : Math.min(...since)
  }

  /** After a start the first round tells. Later, one round that brings nothing may be bad luck; two are a sign. */
  #unconfirmedSince({ now, patience }: MirrorFacts): number | undefined {
    if (this.#confirmedAt === undefined) return this.#hasAsked ? this.#startedAt : undefined
    return now - this.#confirmedAt > 2 * patience ? this.#confirmedAt : undefined
  }
}
