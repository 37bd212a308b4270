import { TOOLS } from '../tools/catalog.ts'
import { shortVersion } from '../tools/build-info.ts'
import { columns } from '../tools/table.ts'
import type { ToolSource } from '../tools/catalog.ts'
import type { Run } from './execute.ts'
import type { Registry } from './registries.ts'

/** The runs as a table for a terminal. */
export function terminalTable(runs: readonly Run[]): string {
  const head = ['registry', 'suite', 'pass', 'fail', 'skip', 'disabled', 'seconds', '']
  const rows = runs.map((run) => [
    titleOf(run.registry),
    run.again ? `${run.suite.id}, after SIGKILL` : run.suite.id,
    ...figures(run),
    run.seconds.toFixed(1),
    verdict(run),
  ])
  return columns([head, ...rows])
}

/** Of ours, whether all is as it must be; what a peer fails is only told. */
function verdict({ registry, problems }: Run): string {
  if (problems.length === 0) return 'ok'
  return registry.program === undefined ? `${problems.length} NOT AS IT MUST BE` : ''
}

/** The registry, with the version of a foreign one. */
export function titleOf({ title, variant, program }: Registry): string {
  const { go }: ToolSource = program === undefined ? {} : TOOLS[program]
  const version = go === undefined ? '' : ` ${shortVersion(go)}`
  return `${title}${version}${variant === undefined ? '' : `, ${variant}`}`
}

/** Passed, failed (the suite's own errors too), skipped, disabled; the word `no` where the suite did not end. */
export function figures({ outcome }: Run): [string, string, string, string] {
  if (outcome === undefined) return ['no', 'result', '', '']
  const { Pass, FAIL, Error, Skip, Disabled } = outcome.counts
  return [`${Pass}`, `${FAIL + Error}`, `${Skip}`, `${Disabled}`]
}

/** What was tried and is not the same everywhere: the status of each, in the order of the runs. */
export function differences(runs: readonly Run[]): { row: string; statuses: string[] }[] {
  const names = new Set(runs.flatMap(({ outcome }) => [...(outcome?.rows.keys() ?? [])]))
  return [...names]
    .map((row) => ({ row, statuses: runs.map(({ outcome }) => outcome?.rows.get(row) ?? 'none') }))
    .filter(({ statuses }) => new Set(statuses).size > 1)
}
