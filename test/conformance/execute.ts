import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../e2e/support/command.ts'
import { findTool } from '../tools/find.ts'
import { judge } from './judge.ts'
import { readOldOutcome, readOutcome } from './outcome.ts'
import { suiteEnvironment } from './suites.ts'
import type { Outcome } from './outcome.ts'
import type { Registry } from './registries.ts'
import type { Suite } from './suites.ts'

/** A suite takes a few seconds; one that waits for a registry that hangs is ended. */
const SUITE_TIME = 5 * 60_000

/** One run of one suite against one registry. */
export interface Run {
  readonly registry: Registry
  readonly suite: Suite
  /** Whether it is the second, after the registry was killed and restarted. */
  readonly again: boolean
  /** What came of it; undefined when the suite could not be run to its end. */
  readonly outcome: Outcome | undefined
  /** What is not as it must be; empty when all is well. */
  readonly problems: readonly string[]
  readonly seconds: number
}

/** What is told about a run before anything came of it. */
export type Began = Pick<Run, 'registry' | 'suite' | 'again'>

/** Runs a suite against a fresh registry, and again after a kill where that is asked for and can be done. */
export async function* execute(
  registry: Registry,
  suite: Suite,
  directory: string,
  signal: AbortSignal,
): AsyncGenerator<Run> {
  let began: Began = { registry, suite, again: false }
  try {
    await using running = await registry.start(suite)
    yield await attempt(began, running.host, directory, signal)
    if (!suite.again || running.killAndRestart === undefined) return
    began = { ...began, again: true }
    await running.killAndRestart()
    yield await attempt(began, running.host, directory, signal)
  } catch (error) {
    // A registry that does not start, or not again, has failed.
    if (!(error instanceof Error) || signal.aborted) throw error
    yield { ...began, outcome: undefined, problems: [error.message], seconds: 0 }
  }
}

/** Where a run's files are, under the directory of all. */
export function runPath({ registry, suite, again }: Began): string {
  return join(registry.id, again ? `${suite.id}-after-kill` : suite.id)
}

async function attempt(
  began: Began,
  host: string,
  directory: string,
  signal: AbortSignal,
): Promise<Run> {
  const { suite } = began
  const results = join(directory, runPath(began))
  await rm(results, { recursive: true, force: true })
  await mkdir(results, { recursive: true })
  const start = performance.now()
  const ended = await runSuite(suite, host, results, signal)
  const seconds = (performance.now() - start) / 1000
  try {
    const outcome = await read(suite, results)
    const problems = judge(outcome, suite)
    if (ended !== undefined && problems.length === 0) problems.push(ended)
    return { ...began, outcome, problems, seconds }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const problems = [error.message, ...(ended === undefined ? [] : [ended])]
    return { ...began, outcome: undefined, problems, seconds }
  }
}

/** @returns why it did not end well, which also is so when a test failed */
async function runSuite(
  suite: Suite,
  host: string,
  results: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const program = await findTool(suite.program)
  if (program === undefined) throw new Error(`${suite.program} is not here`)
  const env = suiteEnvironment(suite, host, results)
  try {
    // It looks for a configuration in its working directory.
    await run(program, [], { env, cwd: results, timeout: SUITE_TIME, signal })
    return undefined
  } catch (error) {
    if (!(error instanceof Error) || signal.aborted) throw error
    return error.message
  }
}

async function read(suite: Suite, results: string): Promise<Outcome> {
  const junit = await readFile(join(results, 'junit.xml'), 'utf8')
  if (suite.program !== 'conformance') return readOldOutcome(junit, suite.settings)
  return readOutcome(await readFile(join(results, 'results.yaml'), 'utf8'), junit)
}
