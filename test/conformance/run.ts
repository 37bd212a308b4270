import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { TOOLS, howToGet } from '../tools/catalog.ts'
import { findTool } from '../tools/find.ts'
import { toolState } from '../tools/state.ts'
import { execute, runPath } from './execute.ts'
import { conformancePage } from './page.ts'
import { HELIPORT, PEERS } from './registries.ts'
import { terminalTable, titleOf } from './report.ts'
import { SUITES } from './suites.ts'
import type { ToolName, ToolSource } from '../tools/catalog.ts'
import type { Run } from './execute.ts'
import type { Suite } from './suites.ts'

/*
 * `npm run conformance`: the official suites against this registry; `-- stable v1.1.1` only those.
 *
 *   --peers         against zot and Distribution as well; what they fail does not count
 *   --write         writes docs/conformance/ from what was seen
 *   --out=<dir>     puts the whole reports (results.yaml, report.html, …) there, in place of conformance-results/, which is
 *                   emptied before
 *
 * Ends with 0 when all is as it must be, 1 when anything is not, and 2 when nothing failed but a suite is not here that
 * can be had by name.
 */

const ROOT = join(import.meta.dirname, '../..')
const PAGES = join(ROOT, 'docs/conformance')
const RESULTS = join(ROOT, 'conformance-results')

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      peers: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
    allowPositionals: true,
  })
  const asked = SUITES.filter(({ id }) => positionals.length === 0 || positionals.includes(id))
  const unknown = positionals.filter((id) => !SUITES.some((suite) => suite.id === id))
  if (unknown.length > 0 || (values.write && asked.length < SUITES.length)) {
    const ids = SUITES.map(({ id }) => id).join(', ')
    console.error(`conformance: the suites are ${ids}; --write takes all of them`)
    return 1
  }
  // What the user has set for runs of their own must not change these.
  for (const name of Object.keys(process.env)) if (name.startsWith('OCI_')) delete process.env[name]

  const missing = await missingTools(asked.map(({ program }) => program))
  const suites = asked.filter(({ program }) => !missing.has(program))
  const began = performance.now()
  const directory = await outDirectory(values.out)
  const runs = await runAll(suites, values.peers, directory, signal)
  if (runs.length > 0) console.log(`\n${terminalTable(runs)}\n`)
  const ours = runs.filter(({ registry }) => registry === HELIPORT)
  const problems = ours.reduce((sum, run) => sum + run.problems.length, 0)
  if (values.write && missing.size === 0) await writePages(runs)
  if (runs.length > 0) console.log(`the reports are in ${directory}`)
  // As mocha ends, for whoever counts.
  const passed = ours.reduce((sum, { outcome }) => sum + (outcome?.counts.Pass ?? 0), 0)
  console.log(`\n  ${passed} passing (${Math.round((performance.now() - began) / 1000)}s)`)
  if (problems > 0) console.log(`  ${problems} failing`)
  if (problems > 0) return 1
  const must = asked.filter(({ optional }) => optional !== true || positionals.length > 0)
  return must.some(({ program }) => missing.has(program)) ? 2 : 0
}

async function runAll(
  suites: readonly Suite[],
  peers: boolean,
  directory: string,
  signal: AbortSignal,
): Promise<Run[]> {
  const programs = PEERS.flatMap(({ program }) => program ?? [])
  const missing = peers ? await missingTools(programs) : new Set(programs)
  const present = PEERS.filter(({ program }) => program && !missing.has(program))
  const runs: Run[] = []
  for (const registry of [HELIPORT, ...present]) {
    for (const suite of suites) {
      for await (const run of execute(registry, suite, directory, signal)) {
        runs.push(run)
        tell(run)
      }
    }
  }
  return runs
}

function tell({ registry, suite, again, problems }: Run): void {
  const verdict = problems.length === 0 ? 'ok' : `${problems.length} not as it must be`
  console.log(`${titleOf(registry)}, ${suite.id}${again ? ', after SIGKILL' : ''}: ${verdict}`)
  // What a peer fails is in its record.
  if (registry === HELIPORT) for (const problem of problems) console.log(`  ${problem}`)
}

/** Those that are not here, or are not of the version; each is named, with the way to get it. */
async function missingTools(names: readonly ToolName[]): Promise<Set<ToolName>> {
  const missing = new Set<ToolName>()
  const go = await findTool('go')
  for (const name of new Set(names)) {
    const state = await toolState(name, go)
    if (state.is === 'right' || state.is === 'unchecked') continue
    missing.add(name)
    const { go: wanted }: ToolSource = TOOLS[name]
    const why = state.is === 'missing' ? 'is not here' : `${state.path} is ${state.what}`
    console.error(`conformance: ${name} (${wanted}): ${why}\n  ${howToGet(name)}`)
    if (go === undefined) console.error('  and Go: https://go.dev/dl')
  }
  return missing
}

async function outDirectory(out: string | undefined): Promise<string> {
  if (out === undefined) await rm(RESULTS, { recursive: true, force: true })
  const directory = resolve(out ?? RESULTS)
  await mkdir(directory, { recursive: true })
  return directory
}

/** The page, and each run's record; what was there of the same registries before goes. */
async function writePages(runs: readonly Run[]): Promise<void> {
  for (const { registry } of runs)
    await rm(join(PAGES, registry.id), { recursive: true, force: true })
  for (const run of runs) {
    if (run.outcome === undefined) continue
    const path = join(PAGES, `${runPath(run)}.yaml`)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, run.outcome.record)
  }
  const file = await readFile(join(ROOT, 'package.json'), 'utf8')
  const { version } = JSON.parse(file) as { version: string }
  const date = new Date().toISOString().slice(0, 10)
  const node = process.version.slice(1)
  await writeFile(join(PAGES, 'README.md'), conformancePage(runs, { version, node, date }))
  console.log(`written: docs/conformance/`)
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
try {
  process.exitCode = await main(process.argv.slice(2), stop.signal)
} catch (error) {
  if (!stop.signal.aborted) throw error
  console.error(`conformance: ${String(stop.signal.reason)}`)
  process.exitCode = 130
}
