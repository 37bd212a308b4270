import type { CID } from 'multiformats/cid'

/**
 * Something the operator must put right before the node can start or a key can be used.
 * Its message is one line, for the terminal, and names the option or file to look at.
 */
export class StartError extends Error {
  static override readonly name = 'StartError'
  override readonly name = 'StartError'
}

/** A key that cannot be used, found or replaced; one line for the operator. */
export class KeyError extends Error {
  static override readonly name = 'KeyError'
  override readonly name = 'KeyError'
}

/** A block of a kind that we never ask the network for: a foreign codec or hash. */
export class RefusedBlockError extends Error {
  static override readonly name = 'RefusedBlockError'
  override readonly name = 'RefusedBlockError'
  readonly cid: CID

  constructor(cid: CID, why: string) {
    super(`block ${cid} is not fetched: ${why}`)
    this.cid = cid
  }
}

/** The `code` of a system error (`EADDRINUSE`), `undefined` when it has none. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Whether an error was thrown by another package under that name (`instanceof` fails across duplicate versions). */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}
