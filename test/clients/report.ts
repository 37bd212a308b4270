import { ACTIONS } from './client.ts'
import { explained } from './outcome.ts'
import type { Outcome, Results, SuiteResult } from './outcome.ts'

const MARKS = { done: '✔', cannot: '–', failed: 'FAILED' } as const

/** A cell of the table: what was not tried is empty. */
function mark(outcome: Outcome | undefined): string {
  return outcome === undefined ? '' : MARKS[outcome.kind]
}

/** The clients that were run. */
function ran({ clients }: Results): SuiteResult[] {
  return clients.filter(({ skipped }) => skipped === undefined)
}

/** Actions down, clients across. */
function cells(results: Results): string[][] {
  const clients = ran(results)
  const rows = ACTIONS.map((action) => [
    action,
    ...clients.map(({ outcomes }) => mark(outcomes.get(action))),
  ])
  return [['', ...clients.map(({ name }) => name)], ...rows]
}

/** Why clients cannot do something, one line each: `docker, list tags: no command for it`. */
function reasons(results: Results): string[] {
  return ran(results).flatMap(({ name, outcomes }) =>
    [...outcomes].flatMap(([step, outcome]) =>
      outcome.kind === 'cannot' ? [`${name}, ${step}: ${outcome.why}`] : [],
    ),
  )
}

/** Every failure with all that is known of it. */
function failures({ clients, examples }: Results): string[] {
  return [...clients, ...examples].flatMap(({ name, outcomes }) =>
    [...outcomes].flatMap(([step, outcome]) =>
      outcome.kind === 'failed'
        ? [`${name}, ${step}:\n${indented([explained(outcome.error), ...outcome.log].join('\n'))}`]
        : [],
    ),
  )
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}

/** How many steps ended so. */
export function count(results: Results, kind: Outcome['kind']): number {
  const all = [...results.clients, ...results.examples].flatMap(({ outcomes }) => [
    ...outcomes.values(),
  ])
  return all.filter((outcome) => outcome.kind === kind).length
}

/** What is printed at the end; the last lines are as mocha's. */
export function summary(results: Results, missing: readonly string[]): string {
  const examples = results.examples.flatMap(({ name, outcomes }) =>
    [...outcomes].map(([step, outcome]) => `  ${mark(outcome)} ${name}: ${step}`),
  )
  const parts = [
    aligned(cells(results)),
    section('By its nature a client cannot', reasons(results)),
    section('Examples of docs/clients.md', examples),
    section('NOT RUN', skipped(results)),
    section('Failures', failures(results)),
    section('Required, and not run', missing),
    `  ${count(results, 'done')} passing (${Math.round(results.took)}s)`,
  ]
  const failed = count(results, 'failed') + missing.length
  if (failed > 0) parts.push(`  ${failed} failing`)
  return parts.filter((part) => part !== '').join('\n')
}

function skipped({ clients }: Results): string[] {
  return clients.flatMap(({ name, skipped: why }) => (why === undefined ? [] : [`${name}: ${why}`]))
}

function section(heading: string, lines: readonly string[]): string {
  return lines.length === 0
    ? ''
    : `${heading}:\n${lines.map((line) => `  ${line.trim()}\n`).join('')}`
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  return `\n${lines.join('\n')}\n`
}

/** `docs/client-matrix.md`, of a run in which everything was run and worked. @param date as `2026-01-31` */
export function markdown(results: Results, date: string): string {
  const [head = [], ...rows] = cells(results)
  const examples = results.examples.flatMap(({ name, outcomes }) =>
    [...outcomes].map(([step, outcome]) => [name, step, mark(outcome)]),
  )
  return `# Clients that were tried

Made by the run \`npm run test:clients -- --write\`, on ${date}, in ${Math.round(results.took)} s. Do not edit it by hand.

Each client is the real program. It talked to two independent Heliports, and to a mirror that was told nothing but the
first one's IPNS name and address. ✔ means that it did it, and that all bytes were compared with what they had to be.

${table(head, rows)}

– is what a client cannot do by its nature, whatever the registry:

${reasons(results)
  .map((reason) => `- ${reason}`)
  .join('\n')}

## Examples

The examples of [clients.md](clients.md) were run as they stand there, those of mirrors twice: through the registry that
the images were pushed to, and through the mirror.

${table(['client', 'example', ''], examples)}

## Versions

${table(
  ['client', 'version'],
  ran(results).map(({ name, version }) => [name, version]),
)}
`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
