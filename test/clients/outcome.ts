/** How a step ended. */
export type Outcome =
  | { readonly kind: 'done' }
  /** By the client's nature, with the reason. */
  | { readonly kind: 'cannot'; readonly why: string }
  /** With what the daemons had to say meanwhile. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly log: readonly string[] }

/** A suite that was run, or why it was not. */
export interface SuiteResult {
  readonly name: string
  readonly version: string
  /** What is missing on this machine, and what to install; then nothing was run. */
  readonly skipped?: string
  readonly outcomes: ReadonlyMap<string, Outcome>
}

/** The results of a run. */
export interface Results {
  readonly clients: readonly SuiteResult[]
  readonly examples: readonly SuiteResult[]
  /** Seconds. */
  readonly took: number
}

/** An error as a person wants to read it: what the command wrote, or what was not as it must be. */
export function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // What was to be stopped could not be, after something else had failed.
  if (error instanceof SuppressedError)
    return [error.suppressed, error.error].map(explained).join('\n')
  const cause = error.cause === undefined ? '' : `\ncaused by: ${explained(error.cause)}`
  if (error instanceof AggregateError)
    return [error.message, ...error.errors.map(explained)].join('\n')
  // A wrong word in our own code is found by its stack; a command's failure by what it wrote.
  const ours = error instanceof TypeError || error instanceof ReferenceError
  return `${(ours && error.stack) || error.message}${cause}`
}
