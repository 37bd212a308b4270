import { parseArgs } from 'node:util'
import { writeFigures } from '../support/figures-page.ts'
import { DEFECTS, play } from './history/history.ts'
import type { HistoryReport } from './history/history.ts'

const USAGE = `Random histories of names: pushes, crashes, restores, clocks that jump, partitions, replays, forgeries, two writers.
The real publisher, mirrors and exchange of records, on simulated time, disks and network.

  --steps N     steps in all (1000)
  --seed S      where they come from, a number (another one each time)
  --defect D    breaks something on purpose, to see it found: ${Object.keys(DEFECTS).join(', ')}
  --quick       200 steps
  --write       writes the figures to docs/network.md`

/** Plays histories. Resolves with the exit code: 1 when a promise was broken. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      steps: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      defect: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const steps = values.quick ? 200 : numberOf('steps', values.steps)
  const seed = numberOf('seed', values.seed)
  const defect = values.defect === undefined ? undefined : DEFECTS[values.defect]
  if (values.defect !== undefined && defect === undefined)
    throw new Error(`--defect is one of: ${Object.keys(DEFECTS).join(', ')}`)
  console.log(`${steps} steps with seed ${seed}`)
  const begun = performance.now()
  const report = await play({ steps, seed, defect, onProgress: progress(steps) })
  const lines = figures(report, seed, (performance.now() - begun) / 1000)
  console.log(`\n${lines.join('\n')}`)
  const command = `npm run network -- naming --steps ${steps} --seed ${seed}`
  if (values.write && defect === undefined) await writeFigures('naming', command, lines)
  return report.failure === undefined ? 0 : 1
}

function numberOf(option: string, text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number
  throw new Error(`--${option} is a whole number, not ${text}`)
}

/** A line for each tenth. */
function progress(all: number): (steps: number) => void {
  let next = all / 10
  return (steps) => {
    if (steps < next) return
    console.log(`${steps} steps`)
    next = steps + all / 10
  }
}

function figures(report: HistoryReport, seed: number, seconds: number): string[] {
  const { steps, histories, kinds, checks, elapsed, failure } = report
  const verdict = failure === undefined ? 'nothing moved back' : `**broken**: ${failure}`
  const hours = Math.round(elapsed / 3_600_000)
  const counts = [...kinds]
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, n]) => `${kind} ${number(n)}`)
  return [
    `${number(steps)} steps in ${number(histories)} histories with seed ${seed}: ${verdict}.`,
    `${number(checks)} comparisons, ${number(hours)} hours of simulated time in ${Math.round(seconds)} s. The steps:`,
    `${counts.join(', ')}.`,
  ]
}

function number(value: number): string {
  return value.toLocaleString('en')
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
