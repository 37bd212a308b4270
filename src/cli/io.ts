import type { CheckModule, DaemonModule, UsersModule } from './daemon-face.ts'

/** A stream to write to; `process.stdout` is one. */
interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
}

/** All that a command knows of the world: tests hand in their own. */
export interface CommandIO {
  readonly stdout: Output
  readonly stderr: Output
  /** Asks a person for a secret on the terminal, which does not show it; else reads it from the standard input. */
  readSecret(question: string): Promise<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Aborted when the user wants the command to end. */
  readonly signal: AbortSignal
  readonly pid: number
  /** As `StartOptions.onReload`; absent where nobody can ask for that. */
  readonly onReload?: (listener: () => void) => () => void
  /** Milliseconds, for progress only. */
  now(): number
  /** Loads the daemon's code, which is slow: only when there is no other way. */
  loadDaemon(): Promise<DaemonModule>
  /** The same for what checks a data directory by itself, which is less. */
  loadCheck(): Promise<CheckModule>
  loadUsers(): Promise<UsersModule>
}

/** Exit codes; those above 2 are from sysexits.h. */
export const EXIT = {
  ok: 0,
  /** The command could not do what it was asked to. */
  failed: 1,
  /** heliport fsck: something is damaged, and was not mended. */
  damaged: 1,
  /** The command line is wrong. */
  usage: 2,
  /** heliport fsck: it could not be checked (EX_UNAVAILABLE). */
  unavailable: 69,
  /** A defect of ours (EX_SOFTWARE). */
  software: 70,
  /** The configuration is wrong (EX_CONFIG). */
  config: 78,
} as const

/** A command cannot do its work; the message is one line for the user. */
export class CommandError extends Error {
  static override readonly name = 'CommandError'
  override readonly name = 'CommandError'
  /** What the process exits with. */
  readonly code: number

  constructor(
    message: string,
    { code = EXIT.failed, cause }: { code?: number; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
  }
}

/** The command line is wrong; the message is one line for the user. */
export class UsageError extends Error {
  static override readonly name = 'UsageError'
  override readonly name = 'UsageError'
  /** Whose help tells more: `key export`. */
  readonly command: string | undefined

  constructor(message: string, { command, cause }: { command?: string; cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.command = command
  }
}
