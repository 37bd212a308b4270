import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { lineChart } from '../bench/chart/lines.ts'
import { median, table } from '../network/support/figures.ts'
import { writeFigures } from '../support/figures-page.ts'
import { measureCost } from './gc-cost/measure.ts'
import { powerOf } from './gc-cost/power.ts'
import type { Cost } from './gc-cost/measure.ts'

const HELP = `node test/faults/gc-cost.ts [--seconds 20] [--rounds 3] [--write] <manifests> …

What a collection costs in a registry of so many manifests, each with a tag, of which untagged ones would go after 30
days: time and memory of one alone; and what a
push takes beside collections that follow each other, compared to pushes without any, in turns. It ends with 1 when time
or memory grow faster than what is live, or the median of pushes in the largest is more than 1.5 times that without.
  --seconds N    how long pushes are measured, without and beside, in each round
  --rounds N     of these
  --write        puts the table and a chart into docs/reliability.md`

/** How much slower pushes may be. */
const MOST_SLOWER = 1.5
/** The power of what is live that a cost may grow with: one, and what a noisy machine adds. */
const MOST_POWER = 1.15

/** What a collection of hardly anything may take, in bytes: V8's young generation. */
const LEAST_GROWTH = 8 * 2 ** 20

const DOCS = join(import.meta.dirname, '../../docs')
const CHART = 'reliability/gc-cost.svg'

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '20' },
      rounds: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help || positionals.length === 0) {
    console.log(HELP)
    return values.help ? 0 : 1
  }
  const counts = positionals.map(Number).toSorted((a, b) => a - b)
  const plan = { seconds: Number(values.seconds), rounds: Number(values.rounds) }
  const costs: Cost[] = []
  for (const count of counts) costs.push(await measureCost(count, plan))
  const wrong = faultsOf(costs)
  const lines = linesOf(costs)
  console.log(`\n${lines.join('\n')}`)
  for (const fault of wrong) console.error(fault)
  if (wrong.length > 0) return 1
  if (values.write) await write(costs, lines, plan)
  return 0
}

/** What grows faster than what is live, and where pushes are held up. */
function faultsOf(costs: readonly Cost[]): string[] {
  // In a small registry collections that follow each other are more than anybody has.
  const faults = costs
    .slice(-1)
    .filter((cost) => slower(cost) > MOST_SLOWER)
    .map(({ manifests }) => `pushes beside a collection of ${manifests} manifests are too slow`)
  for (const [what, power] of Object.entries(powersOf(costs)))
    if (power > MOST_POWER) faults.push(`${what} grows with the power ${power.toFixed(2)}`)
  return faults
}

function slower({ without, beside }: Cost): number {
  return median(beside) / median(without)
}

function powersOf(costs: readonly Cost[]): { time: number; marks: number; memory: number } {
  const of = (value: (cost: Cost) => number): number =>
    powerOf(costs.map((cost) => ({ x: cost.keptBlocks, y: value(cost) })))
  return {
    time: of(({ ms }) => ms),
    marks: of(({ memoryBytes }) => memoryBytes),
    // In a small registry some of it happens to be there already.
    memory: of(({ grownBytes }) => Math.max(grownBytes, LEAST_GROWTH)),
  }
}

function linesOf(costs: readonly Cost[]): string[] {
  const ms = (value: number): string => `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`
  const rows = costs.map((cost) => [
    cost.manifests.toLocaleString('en'),
    cost.keptBlocks.toLocaleString('en'),
    `${(cost.ms / 1000).toFixed(2)} s`,
    `${(cost.cpuMs / 1000).toFixed(2)} s`,
    `${(cost.memoryBytes / 2 ** 20).toFixed(2)} MiB`,
    `${(cost.memoryBytes / cost.keptBlocks).toFixed(0)} bytes`,
    `${(cost.grownBytes / 2 ** 20).toFixed(0)} MiB`,
    `${ms(median(cost.without))} / ${ms(Math.max(...cost.without))}`,
    `${ms(median(cost.beside))} / ${ms(Math.max(...cost.beside))}`,
    `× ${slower(cost).toFixed(2)}`,
    `${cost.without.length} / ${cost.beside.length}`,
  ])
  const head = [
    'manifests',
    'live blocks',
    'time',
    'processor',
    'to know what is live',
    'each block',
    'process grows by',
    'push without: median / longest',
    'beside',
    'median',
    'pushes',
  ]
  const { time, marks, memory } = powersOf(costs)
  const growth = `Time grows with the power ${time.toFixed(2)} of what is live, what is known of it with ${marks.toFixed(2)}, and what the process has more meanwhile with ${memory.toFixed(2)} (1 is linear).`
  return [table([head, ...rows]), '', ...(costs.length > 1 ? [growth] : [])]
}

async function write(
  costs: readonly Cost[],
  lines: readonly string[],
  { seconds, rounds }: { seconds: number; rounds: number },
): Promise<void> {
  const chart = lineChart(
    [
      { label: 'time (ms)', points: costs.map(({ keptBlocks: x, ms: y }) => ({ x, y })) },
      {
        label: 'memory (KiB)',
        points: costs.map(({ keptBlocks: x, grownBytes }) => ({ x, y: grownBytes / 1024 })),
      },
    ],
    'live blocks',
  )
  await mkdir(join(DOCS, 'reliability'), { recursive: true })
  await writeFile(join(DOCS, CHART), chart)
  const counts = costs.map(({ manifests }) => manifests).join(' ')
  const command = `node test/faults/gc-cost.ts --seconds ${seconds} --rounds ${rounds} ${counts}`
  const image = `![time and memory by live blocks](${CHART})`
  await writeFigures('gc-cost', command, [...lines, '', image], 'reliability.md')
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
