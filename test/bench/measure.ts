import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LoadClient } from './load/load-client.ts'
import { begun } from './results.ts'
import type { Contender } from './contenders.ts'
import type { Result } from './results.ts'
import type { Scenario } from './scenario.ts'

/** How scenarios are run. */
export interface MeasureOptions {
  readonly contenders: readonly Contender[]
  readonly rounds: number
  readonly quick: boolean
  readonly seconds: number
  readonly signal: AbortSignal
  say(line: string): void
}

/** Left on the disk for everybody else, in bytes. */
const SPARE = 2 ** 30

/** Runs scenarios one after the other; one that fails, or cannot run here, stops no other. */
export async function measure(
  scenarios: readonly Scenario[],
  options: MeasureOptions,
): Promise<Result[]> {
  const results: Result[] = []
  for (const scenario of scenarios) {
    options.signal.throwIfAborted()
    options.say(`\n${scenario.id}: ${scenario.title}`)
    const result = await attempt(scenario, options)
    if (result.missing !== undefined) options.say(`not run: ${result.missing}`)
    if (result.failed !== undefined) options.say(`FAILED: ${result.failed}`)
    results.push(result)
  }
  return results
}

async function attempt(scenario: Scenario, options: MeasureOptions): Promise<Result> {
  const { contenders, rounds, signal } = options
  const result = begun(scenario, contenders, rounds)
  const missing = (await scenario.missing?.()) ?? (await missingRoom(scenario.disk(options)))
  if (missing !== undefined) return { ...result, missing }
  const directory = await mkdtemp(join(tmpdir(), 'heliport-bench-'))
  try {
    // A client of its own, because some scenarios tie it to a processor.
    await using load = await LoadClient.start()
    return { ...result, outcome: await scenario.run({ ...options, load, directory }) }
  } catch (error) {
    if (!(error instanceof Error) || signal.aborted) throw error
    return { ...result, failed: error.message }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function missingRoom(bytes: number): Promise<string | undefined> {
  const { bavail, bsize } = await statfs(tmpdir())
  if (bavail * bsize >= bytes + SPARE) return undefined
  const gib = Math.ceil((bytes + SPARE) / 2 ** 30)
  return `${gib} GiB of free disk in ${tmpdir()} (TMPDIR names another place)`
}
