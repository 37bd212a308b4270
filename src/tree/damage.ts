import { DamagedBlockError, MissingBlockError } from '../blocks/block-store.ts'
import { NodeFormatError } from '../blocks/nodes.ts'

/** Whether a part of the tree is gone or is not what it was: it is there, and cannot be read (promise I3). */
export function isDamage(error: unknown): boolean {
  return (
    error instanceof DamagedBlockError ||
    error instanceof MissingBlockError ||
    error instanceof NodeFormatError
  )
}
