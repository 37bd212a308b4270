import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOOLS } from '../tools/catalog.ts'
import { findTool } from '../tools/find.ts'
import { explained } from './outcome.ts'
import type { ToolName, ToolSource } from '../tools/catalog.ts'
import type { World } from './client.ts'
import type { Outcome, SuiteResult } from './outcome.ts'
import type { Step, Suite } from './suite.ts'
import type { Daemons } from './worlds.ts'

const DEADLINE = 90_000

/** What a run goes on with. */
export interface Run {
  readonly daemons: Daemons
  /** What is told while it runs. */
  readonly tell: (line: string) => void
  /** Ends the run: what is under way is given up, and everything is stopped. */
  readonly signal: AbortSignal
  /** How long a step may take, and a start or a stop, in milliseconds; a minute and a half if not given. */
  readonly deadline?: number
}

/** Directories that must not outlive a run that dies. */
const directories = new Set<string>()
process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** Runs a suite from start to stop. A step that fails does not keep the others from being tried. */
export async function runSuite(suite: Suite, run: Run): Promise<SuiteResult> {
  const { tell, signal } = run
  const began = Date.now()
  const outcomes = new Map<string, Outcome>()
  const result: SuiteResult = { name: suite.name, version: '', outcomes }
  const { missing, tools } = await toolsOf(suite)
  if (missing !== undefined) {
    tell(`${suite.name}: NOT RUN, ${missing}`)
    return { ...result, skipped: missing }
  }
  const directory = await mkdtemp(join(tmpdir(), 'heliport-client-'))
  directories.add(directory)
  const tool = (name: ToolName) => tools.get(name) ?? unnamed(name)
  const world = { ...run.daemons.hosts, directory, tool }
  let version = ''
  try {
    version = await within(run, (inner) => suite.version({ ...world, signal: inner }))
    tell(`${suite.name} (${version})`)
    await using cleanUp = new AsyncDisposableStack()
    // It is stopped in time also when the run is to end.
    const { signal: _, ...evenThen } = run
    cleanUp.defer(() =>
      within(evenThen, async (inner) => suite.stop?.({ ...world, signal: inner })),
    )
    await within(run, async (inner) => suite.start?.({ ...world, signal: inner }))
    for (const step of suite.steps) outcomes.set(step.name, await outcomeOf(step, world, run))
  } catch (error) {
    signal.throwIfAborted()
    tell(`  ✘ it does not start, or stop: ${explained(error)}`)
    const log = run.daemons.complaints(began)
    outcomes.set('start and stop', { kind: 'failed', error, log })
  } finally {
    await rm(directory, { recursive: true, force: true })
    directories.delete(directory)
  }
  return { ...result, version }
}

async function outcomeOf(step: Step, world: Omit<World, 'signal'>, run: Run): Promise<Outcome> {
  const { daemons, tell, signal } = run
  const { name, cannot } = step
  if (cannot !== undefined) {
    tell(`  - ${name}: ${cannot}`)
    return { kind: 'cannot', why: cannot }
  }
  const began = Date.now()
  try {
    await within(run, (inner) => step.run({ ...world, signal: inner }))
    tell(`  ✔ ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
    return { kind: 'done' }
  } catch (error) {
    signal.throwIfAborted()
    tell(`  ✘ ${name}: ${explained(error)}`)
    return { kind: 'failed', error, log: daemons.complaints(began) }
  }
}

/** Finds the tools, or says what is missing and how to get it. */
async function toolsOf(
  suite: Suite,
): Promise<{ tools: Map<ToolName, string>; missing: string | undefined }> {
  const tools = new Map<ToolName, string>()
  const missing: string[] = []
  for (const name of suite.needs) {
    const path = await findTool(name)
    if (path === undefined) missing.push(`${name} is missing: ${howToGet(name)}`)
    else tools.set(name, path)
  }
  const otherwise = missing.length === 0 ? await suite.unavailable?.() : undefined
  if (otherwise !== undefined) missing.push(otherwise)
  return { tools, missing: missing.length === 0 ? undefined : missing.join('; ') }
}

function howToGet(name: ToolName): string {
  const source: ToolSource = TOOLS[name]
  return source.debian === undefined ? 'npm run tools' : `apt-get install ${source.debian}`
}

function unnamed(name: ToolName): never {
  throw new Error(`${name} is not among the tools that the suite says it needs`)
}

/** Runs with a deadline, and does not wait for what does not listen to its signal. */
async function within<T>(
  { signal: outer, deadline = DEADLINE }: { signal?: AbortSignal; deadline?: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const tooLong = new Error(`it took longer than ${deadline / 1000} s`)
  const timer = setTimeout(() => late.abort(tooLong), deadline)
  const signal = outer === undefined ? late.signal : AbortSignal.any([outer, late.signal])
  try {
    signal.throwIfAborted()
    const aborted = once(signal, 'abort').then((): never => {
      throw signal.reason as Error
    })
    return await Promise.race([work(signal), aborted])
  } finally {
    clearTimeout(timer)
  }
}
