/** Why an answer may be behind, or without, what a mirror has. */
export interface Notice {
  /** The mirror's name, as in the status. */
  readonly mirror: string
  /**
   * `stale`: the answer has to do with a root that may not be the mirror's newest; `skipped`: the mirror could not be
   * read; `waiting`: it has no root yet; `outdated`: it has been stale for longer than it may be, and is not heard.
   */
  readonly kind: 'stale' | 'skipped' | 'waiting' | 'outdated'
  /** Since when it is stale or outdated, in ms since the epoch. */
  readonly since?: number | undefined
}
