import { shortVersion } from '../tools/build-info.ts'
import { TOOLS } from '../tools/catalog.ts'
import { runPath } from './execute.ts'
import { differences, figures, titleOf } from './report.ts'
import { suiteEnvironment } from './suites.ts'
import type { ToolSource } from '../tools/catalog.ts'
import type { Run } from './execute.ts'
import type { Suite } from './suites.ts'

/** What is in the head of the page. */
export interface PageFacts {
  readonly version: string
  readonly node: string
  /** The day, as `2026-11-21`. */
  readonly date: string
}

/** The page `docs/conformance/README.md`: all registries beside each other, and how that was found out. */
export function conformancePage(runs: readonly Run[], { version, node, date }: PageFacts): string {
  const suites = unique(runs.map(({ suite }) => suite))
  const registries = unique(runs.map(({ registry }) => registry))
  return [
    '# Conformance',
    '',
    '<!-- Written by `npm run conformance -- --peers --write`: do not edit. -->',
    '',
    `The official conformance suites of the OCI distribution-spec, run on ${date} against Heliport ${version} (Node ${node})`,
    'and its peers, each fresh and empty, on one machine, over plain HTTP on loopback.',
    'For Heliport, a failed or skipped test fails the run; a skipped test that the suite itself leaves out is listed below.',
    '',
    ...results(runs, suites),
    '',
    ...suites.flatMap((suite) => differencesOf(suite, runs)),
    '## Settings',
    '',
    ...suites.flatMap(settingsOf),
    ...registries.map((registry) => `- **${titleOf(registry)}**: ${registry.configuration}.`),
    '',
    'After SIGKILL: the daemon is killed when the suite has ended, started again on the same data, and the same suite is',
    'run again with the same repositories.',
    '',
    ...leftOut(suites),
    '## Again',
    '',
    '```sh',
    ...suites
      .filter(({ optional }) => optional !== true)
      .map(({ program }) => program)
      .filter(first)
      .map(build),
    'npm run conformance                       # Heliport alone',
    'npm run conformance -- --peers --write    # with the peers, and writes this folder',
    '```',
    '',
    'The whole reports, with every request and answer, are in `conformance-results/` afterwards (`--out=<directory>`: there).',
    '',
  ].join('\n')
}

function results(runs: readonly Run[], suites: readonly Suite[]): string[] {
  const head = ['Registry', ...suites.map(({ title }) => title)]
  const lines = new Map<string, Map<Suite, Run>>()
  for (const run of runs) {
    const name = `${titleOf(run.registry)}${run.again ? ', after SIGKILL' : ''}`
    const line = lines.get(name) ?? new Map<Suite, Run>()
    lines.set(name, line.set(run.suite, run))
  }
  const rows = [...lines].map(([name, line]) => [
    name,
    ...suites.map((suite) => cell(line.get(suite))),
  ])
  return ['Passed / failed / skipped / disabled:', '', ...markdown([head, ...rows])]
}

function cell(run: Run | undefined): string {
  if (run === undefined) return ''
  if (run.outcome === undefined) return 'did not end'
  return `[${figures(run).join(' / ')}](${runPath(run)}.yaml)`
}

function differencesOf(suite: Suite, runs: readonly Run[]): string[] {
  const compared = runs.filter((run) => run.suite === suite && !run.again)
  const differing = differences(compared)
  const head = ['', ...compared.map(({ registry }) => titleOf(registry))]
  const rows = differing.map(({ row, statuses }) => [row, ...statuses])
  const table = rows.length === 0 ? ['Nothing.'] : markdown([head, ...rows])
  return [`## What differs: ${suite.title}`, '', ...table, '']
}

function settingsOf(suite: Suite): string[] {
  const { go = '@v' }: ToolSource = TOOLS[suite.program]
  const env = suiteEnvironment(suite, '<host>', '<results>')
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  return [
    `**${suite.title}**: distribution-spec commit \`${shortVersion(go)}\`.`,
    '',
    '```sh',
    `${words.join(' ')} \\`,
    `  ${suite.program}`,
    '```',
    '',
  ]
}

function leftOut(suites: readonly Suite[]): string[] {
  const lines = suites.flatMap(({ title, skipped, disabled: { rows } }) => [
    ...Object.entries(skipped).map(([name, why]) => `- ${title}: "${name}": ${why}.`),
    ...rows.map((row) => `- ${title}: "${row}": not in that version; the next suite runs it.`),
  ])
  return ['## Left out', '', ...lines, '']
}

function build(program: string): string {
  return `npm run tools -- ${program}`.padEnd(42) + '# once'
}

function markdown([head = [], ...rows]: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

function unique<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)]
}

function first<Item>(item: Item, at: number, all: readonly Item[]): boolean {
  return all.indexOf(item) === at
}
