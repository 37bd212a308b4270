import { TOOLS } from '../tools/catalog.ts'
import type { ToolSource } from '../tools/catalog.ts'
import type { Outcome } from './outcome.ts'
import type { Suite } from './suites.ts'

/** A suite's reason may be a whole list; its beginning says which it is. */
const LONGEST_REASON = 240

/**
 * What is not as it must be in a run, one line each: whatever did not pass and is not named in the suite's description
 * as left out. (The suites themselves are content with skipped tests.)
 */
export function judge(outcome: Outcome, suite: Suite): string[] {
  const problems: string[] = []
  const { counts, rows, notPassed, commit } = outcome
  if (counts.Pass === 0) problems.push('no test passed')
  const { stamps = {} }: ToolSource = TOOLS[suite.program]
  if (commit !== undefined && !Object.values(stamps).includes(commit))
    problems.push(`the suite is of the commit ${commit}, which is not the pinned one`)

  for (const { name, status, why } of notPassed) {
    if (status === 'Disabled' || (status === 'Skip' && Object.hasOwn(suite.skipped, name))) continue
    const reason = why.replaceAll(/\s+/g, ' ').slice(0, LONGEST_REASON)
    problems.push(`${status}: ${name}${reason === '' ? '' : `: ${reason}`}`)
  }
  if (counts.Disabled > suite.disabled.tests)
    problems.push(`${counts.Disabled} tests are disabled, not ${suite.disabled.tests}`)

  // What has a status without a test: a kind of data that was turned off, or that nothing came of. What tests there
  // are to a row has been named already.
  const silent = problems.length === 0
  for (const [row, status] of rows) {
    const isDisabled = status === 'Disabled' && !suite.disabled.rows.includes(row)
    const isOther = silent && status !== 'Pass' && status !== 'Disabled'
    if (isDisabled || (isOther && !Object.hasOwn(suite.skipped, row)))
      problems.push(`${status}: ${row}`)
  }
  // A test with parts may count as failed by itself; the report only lists the parts.
  const unnamed = counts.FAIL + counts.Error + counts.Skip + counts.Disabled - notPassed.length
  if (unnamed > 0 && problems.length === 0) problems.push(`${unnamed} more tests did not pass`)
  return problems
}
