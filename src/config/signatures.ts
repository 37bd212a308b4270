import { z } from 'zod'
import { keyFiles } from './key-files.ts'
import { patternList } from './mirror-entry.ts'

/** More than anybody writes by hand; each pull is held against all of them. */
const MAX_RULES = 64

const rule = z.strictObject({
  repositories: patternList('it would mean none').describe(
    'The repositories that are meant, by name or pattern.',
  ),
  keys: keyFiles()
    .refine((list) => list.length > 0, 'is empty, so nothing could be pulled: name a file')
    .describe('Files of public keys, any of which may have signed.'),
})

/** The keys of such a section. */
export const SIGNATURE_KEYS: readonly string[] = Object.keys(rule.shape)

/** Rules of what must be signed to be pulled. */
export function signatureRules() {
  return z.array(rule).max(MAX_RULES, `has too many rules: at most ${MAX_RULES} may be there`)
}
