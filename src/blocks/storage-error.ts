/** Failures that pass: room can be made, and files are closed again. */
const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'])

/** How LevelDB names the failures of the file system in its messages; it gives no code. */
const SENTENCES: Readonly<Record<string, string>> = {
  'No space left on device': 'ENOSPC',
  'Disk quota exceeded': 'EDQUOT',
  'Too many open files in system': 'ENFILE', // before the shorter one, which it contains
  'Too many open files': 'EMFILE',
  'File too large': 'EFBIG',
  'Input/output error': 'EIO',
  'Read-only file system': 'EROFS',
}

/** The disk did not take what had to be durable. */
export class StorageError extends Error {
  static override readonly name: string = 'StorageError'
  override readonly name: string = 'StorageError'
  /** The system's code, such as `ENOSPC`; `EIO` where it is not known. */
  readonly code: string
  /**
   * Whether writing may go on once the reason has passed. Never after a failed sync: the system may have dropped what
   * was not written, and a second sync that succeeds proves nothing about the first.
   */
  readonly passes: boolean

  constructor(message: string, code: string, passes: boolean, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.passes = passes
  }
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/** Whether it is for want of room. */
export function isFull({ code }: StorageError): boolean {
  return FULL.has(code)
}

/** Puts a name to a failure of the file system or of LevelDB. */
export function storageError(what: string, cause: unknown): StorageError {
  const code = codeOf(cause)
  return new StorageError(`${what}: ${reasonOf(cause)}`, code, PASSING.has(code), { cause })
}

/** A sync that failed, after which nothing that was written before it is certain. */
export function syncError(path: string, cause: unknown): StorageError {
  return new StorageError(`${path} could not be synced: ${reasonOf(cause)}`, codeOf(cause), false, {
    cause,
  })
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'EIO'
  if ('errno' in error && 'code' in error && typeof error.code === 'string') return error.code
  const found = Object.entries(SENTENCES).find(([sentence]) => error.message.includes(sentence))
  return found?.[1] ?? (error.cause === undefined ? 'EIO' : codeOf(error.cause))
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}
