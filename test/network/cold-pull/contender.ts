/** What one pull gave. */
export interface Pull {
  /** Milliseconds. */
  readonly ms: number
  /** The most memory that the ends had meanwhile, in bytes, where that is looked at. */
  readonly peaks?: { readonly source: number; readonly receiver: number }
}

/** A way to bring the same bytes from one process to another. */
export interface Contender extends AsyncDisposable {
  /** Brings them into a receiver that has nothing of them. @throws when not all of them came */
  pull(): Promise<Pull>
}

/** What is brought. */
export interface Load {
  /** A file with the bytes. */
  readonly file: string
  readonly bytes: number
  /** Where everybody may have a directory. */
  readonly directory: string
}
