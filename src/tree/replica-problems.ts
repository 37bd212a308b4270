import { NodeFormatError } from '../blocks/nodes.ts'
import { StorageError } from '../blocks/storage-error.ts'

/** Failures one after the other, nothing having come in between, after which the rest is not tried. */
const IN_A_ROW = 64

/** Content that is not what the tree claims, or that is not taken. No further attempt at the same root can help. */
export class FalseClaimError extends Error {
  static override readonly name = 'FalseClaimError'
  override readonly name = 'FalseClaimError'
}

/** A tree that could not be replicated as a whole; its message is one line for the operator. */
export class ReplicationError extends Error {
  static override readonly name = 'ReplicationError'
  override readonly name = 'ReplicationError'
  /** Whether it is the tree's fault, so that only another root can be complete. */
  readonly isFinal: boolean

  constructor(message: string, isFinal: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isFinal = isFinal
  }
}

/**
 * What kept a tree from being complete. One thing that cannot be had is no reason not to fetch the others: whoever loses
 * the source is glad of each.
 */
export class ReplicaProblems {
  #missing = 0
  #wrong = 0
  #firstMissing: unknown
  #firstWrong: unknown
  #inARow = 0

  /** Something came, so trying is worth while. */
  progress(): void {
    this.#inARow = 0
  }

  /** @throws the error when it is the disk's, or when nothing comes any more */
  note(error: unknown): void {
    if (isOurs(error)) throw error
    if (error instanceof FalseClaimError || error instanceof NodeFormatError) {
      this.#wrong++
      this.#firstWrong ??= error
      return
    }
    this.#missing++
    this.#firstMissing ??= error
    if (++this.#inARow >= IN_A_ROW) throw this.#error()
  }

  /** @throws ReplicationError when anything was noted */
  throwIfAny(): void {
    if (this.#missing + this.#wrong > 0) throw this.#error()
  }

  #error(): ReplicationError {
    const parts = [
      ...(this.#wrong === 0
        ? []
        : [
            `${this.#wrong} parts of the tree are not taken, the first because ${messageOf(this.#firstWrong)}`,
          ]),
      ...(this.#missing === 0
        ? []
        : [
            `${this.#missing} parts cannot be had now, the first because ${messageOf(this.#firstMissing)}`,
          ]),
    ]
    return new ReplicationError(parts.join('; '), this.#missing === 0, {
      cause: this.#firstMissing ?? this.#firstWrong,
    })
  }
}

/** Whether it is this machine that failed, and not the tree or those who have it. */
function isOurs(error: unknown): boolean {
  return error instanceof StorageError || (error instanceof Error && 'errno' in error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
