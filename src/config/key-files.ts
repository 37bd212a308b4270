import { listOf } from './fields.ts'
import { parsePath } from './path.ts'

/** Each signature is held against each of them. */
const MAX_KEYS = 16

/** Files with one public key each. What is in them is looked at when the daemon starts. */
export function keyFiles() {
  return listOf(parsePath).superRefine((list, context) => {
    if (list.length <= MAX_KEYS) return
    const message = `has ${list.length} keys, and at most ${MAX_KEYS} may be there`
    context.addIssue({ code: 'custom', message })
  })
}
