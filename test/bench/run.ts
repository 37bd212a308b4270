import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseTask } from './arguments.ts'
import { CONTENDERS, findContenders, usualContenders } from './contenders.ts'
import { growthTable } from './growth-series.ts'
import { measure } from './measure.ts'
import { figuresTable, memoryLine } from './report.ts'
import { showProfiles } from './profile.ts'
import { SCENARIOS } from './scenarios/all.ts'
import { growHeliport } from './seed/heliport.ts'
import { shapeOf } from './seed/shape.ts'
import { json, writeResults } from './write.ts'
import type { MeasureTask, Task } from './arguments.ts'
import type { Result } from './results.ts'

const HELP = `npm run bench -- [options]: Heliport beside Distribution and zot, on this machine and this disk

They run in turns, several rounds; figures are medians of the rounds, and medians of the ratios within each round.

  --only A,B         only these scenarios
  --rounds N         rounds (5; 1 with --quick)
  --seconds N        how long mixed load goes on (1800; 5 with --quick)
  --contenders A,B   who is measured (${CONTENDERS.map(({ id }) => id).join(', ')});
                     without it: heliport, the newer distribution that is here, zot
  --quick            everything is small: only shows that it works
  --write            puts the figures into docs/performance.md; those of other scenarios stay
  --json FILE        writes the results of this run there
  --profile DIR      Heliport leaves a CPU profile there for each time that it was started

npm run bench -- profile DIR: where the time went in these profiles

npm run bench -- grow --manifests N --data DIRECTORY [--gib N]: makes a data directory with so many manifests,
and so many GiB of layers besides, in files with holes

Scenarios:
${SCENARIOS.map(({ id, title }) => `  ${id.padEnd(16)} ${title}`).join('\n')}

Data are below TMPDIR. It ends with 0 when what could run did, 1 when something went wrong, and 2 when nothing could run.
What is missing is named; \`npm run tools\` builds what Go can build.`

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  let task: Task
  try {
    task = parseTask(args)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    console.error(`bench: ${error.message}`)
    return 1
  }
  switch (task.do) {
    case 'help':
      console.log(HELP)
      return 0
    case 'grow':
      return grow(task, signal)
    case 'profile':
      return showProfiles(task.directory)
    case 'measure':
      return measureAll(task, signal)
  }
}

async function grow({ manifests, gib, data }: Task & { do: 'grow' }, signal: AbortSignal) {
  const began = performance.now()
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1)
  const onProgress = (done: number) => console.log(`${done} manifests, ${seconds()} s`)
  await growHeliport(resolve(data), shapeOf(manifests), { gib, onProgress, signal })
  console.log(`${resolve(data)} has them, after ${seconds()} s`)
  return 0
}

async function measureAll(task: MeasureTask, signal: AbortSignal): Promise<number> {
  const began = performance.now()
  const ids = task.contenders ?? (await usualContenders())
  const { here, missing } = await findContenders(ids, task.profile)
  for (const what of missing) console.error(`bench: not here: ${what}`)
  const say = (line: string) => console.log(line)
  const scenarios = SCENARIOS.filter(({ id }) => task.only.includes(id))
  const results = await measure(scenarios, { ...task, contenders: here, signal, say })
  for (const result of results) show(result)
  if (task.json !== undefined) await writeFile(task.json, json(results))
  if (task.write) await writeResults(results)
  const of = (what: 'outcome' | 'failed') => results.filter((result) => result[what] !== undefined)
  // As mocha ends, for whoever counts.
  const seconds = Math.round((performance.now() - began) / 1000)
  console.log(`\n  ${of('outcome').length} passing (${seconds}s)`)
  for (const { id, missing: why } of results)
    if (why !== undefined) console.log(`not run: ${id}: ${why}`)
  if (of('failed').length > 0) {
    console.log(`  ${of('failed').length} failing`)
    return 1
  }
  return of('outcome').length > 0 ? 0 : 2
}

function show(result: Result): void {
  if (result.outcome === undefined) return
  console.log(`\n${result.title}\n\n${growthTable(result) ?? figuresTable(result)}`)
  for (const line of [memoryLine(result), ...(result.outcome.notes ?? [])])
    if (line !== undefined) console.log(`\n${line}`)
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
try {
  process.exitCode = await main(process.argv.slice(2), stop.signal)
} catch (error) {
  if (!stop.signal.aborted) throw error
  console.error(`bench: ${String(stop.signal.reason)}`)
  process.exitCode = 130
}
