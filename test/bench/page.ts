import { medianRatio } from './figures.ts'
import { megabytes, table } from '../network/support/figures.ts'
import { growthTable } from './growth-series.ts'
import { figuresTable, memoryLine, reached, wanted } from './report.ts'
import { titleOf } from './results.ts'
import type { Result } from './results.ts'
import type { Bar } from './chart/bars.ts'

/** What the bench has measured, as the part of docs/performance.md that it writes. */
export function page(results: readonly Result[]): string {
  const sections = results.map(section)
  return [goals(results), '', ...CHARTS, '', ...sections].join('\n')
}

const CHARTS = [
  '![How many times as good Heliport is as the best of the others](performance/ratios.svg)',
  '',
  '![Cost as a registry grows](performance/growth.svg)',
  '',
  '![Memory under mixed load](performance/mixed.svg)',
]

/** Every goal in one table. */
function goals(results: readonly Result[]): string {
  const rows = results.flatMap((result) =>
    (result.outcome?.figures ?? []).flatMap((figure) =>
      (result.goals[figure.name] ?? []).map((goal) => [
        `[${result.title}](#${anchor(result.title)})`,
        figure.name,
        wanted(goal, figure, (id) => titleOf([result], id)),
        reached(figure, goal),
      ]),
    ),
  )
  return table([['scenario', 'figure', 'wanted', 'reached'], ...rows, ...memoryRow(results)])
}

/** What Heliport may have in RAM in every scenario, in bytes. */
export const MEMORY = 450e6

function memoryRow(results: readonly Result[]): string[][] {
  const peaks = results.flatMap(({ title, outcome }) => {
    const peak = outcome?.memory?.heliport?.peak
    return peak === undefined ? [] : [{ title, peak }]
  })
  const [most] = peaks.toSorted((a, b) => b.peak - a.peak)
  if (most === undefined) return []
  const word = most.peak <= MEMORY ? 'yes' : 'NO'
  const where = `${word}: ${megabytes(most.peak)} (${most.title})`
  return [['all', 'memory of Heliport, most', `at most ${megabytes(MEMORY)}`, where]]
}

function section(result: Result): string {
  const { title, how, outcome, missing, failed } = result
  const lines = [`### ${title}`, '', how, '']
  if (outcome === undefined)
    lines.push(missing === undefined ? `Failed: ${failed}` : sentence(missing), '')
  else {
    lines.push(`${provenance(result)}:`, '', growthTable(result) ?? figuresTable(result), '')
    for (const line of [memoryLine(result), ...(outcome.notes ?? []), durability(result)])
      if (line !== undefined) lines.push(line, '')
  }
  return lines.join('\n')
}

function sentence(missing: string): string {
  return missing.startsWith('not there yet') ? `N${missing.slice(1)}.` : `Not run: ${missing}.`
}

function provenance({ id, date, rounds, machine }: Result): string {
  const { processors, model, memory, node, load } = machine
  return `\`npm run bench -- --only ${id} --rounds ${rounds} --write\` on ${date.slice(0, 10)}, Node ${node}, ${processors} × ${model}, ${memory} GB, load ${load} when it began`
}

function durability({ writes, contenders, outcome }: Result): string | undefined {
  if (!writes) return undefined
  const measured = new Set(outcome?.figures.flatMap(({ values }) => Object.keys(values)))
  const each = contenders
    .filter(({ id }) => measured.has(id))
    .map((one) => `${one.title}: ${one.durability}`)
  return `What a 201 means: ${each.join('. ')}.`
}

/** As GitHub makes it. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-')
}

/** For the chart: of each scenario its first figure with a ratio, beside the best of the others. */
export function ratioBars(results: readonly Result[]): Bar[] {
  return results.flatMap((result) => {
    for (const figure of result.outcome?.figures ?? []) {
      const goal = (result.goals[figure.name] ?? []).find((one) => 'ratio' in one)
      if (goal === undefined) continue
      const value = medianRatio(figure, goal.than)
      if (value !== undefined)
        return [{ label: `${result.title}: ${figure.name}`, value, wanted: goal.ratio }]
    }
    return []
  })
}
