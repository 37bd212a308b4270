import { z } from 'zod'
import { patternList } from './mirror-entry.ts'

/** More rules than anybody writes by hand; each name that is asked for is held against all of them. */
const MAX_RULES = 64

/** What is said of some repositories: one section of `repositories`. */
const section = z.strictObject({
  match: patternList('it would mean none').describe(
    'The repositories that are meant, as patterns.',
  ),
  publish: z
    .boolean()
    .prefault(true)
    .describe('Whether they are in the tree that is published under the IPNS name.'),
})

/** Rules about repositories, of which the first that matches counts. */
export function repositoryRules() {
  return z.array(section).max(MAX_RULES, `has too many rules: at most ${MAX_RULES} may be there`)
}
