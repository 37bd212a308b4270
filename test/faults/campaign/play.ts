import { writeFigures } from '../../support/figures-page.ts'
import { temporaryDirectory } from '../../support/temporary.ts'
import { SeededRandom } from '../random.ts'
import type { Campaign } from './campaign.ts'
import type { Options } from './options.ts'

/** How often progress is told, in ms. */
const PROGRESS_MS = 15_000

/** The longest that a cycle may take, in ms: many times what any does. One that hangs is to say so, and which it is. */
const CYCLE_MS = 10 * 60_000

/** What came of a campaign. */
export interface Outcome {
  /** Cycles that passed. */
  readonly passed: number
  /** What is worth telling, in Markdown. */
  readonly lines: readonly string[]
  readonly seconds: number
  /** What was wrong in the cycle after those; `undefined` when all passed. */
  readonly failure: unknown
}

/** Plays a campaign. @returns the exit code: 0 when every cycle passed */
export async function play(kind: string, campaign: Campaign, options: Options): Promise<number> {
  const { cycles, seed, sabotage } = options
  const command = `npm run faults -- ${kind} --cycles ${cycles} --seed ${seed}`
  console.log(
    `${cycles} cycles with seed ${seed}${sabotage === undefined ? '' : `, sabotaged: ${sabotage}`}`,
  )
  const { passed, lines, seconds, failure } = await run(campaign, options)
  console.log(`\n${lines.join('\n')}\n\n  ${passed} passing (${seconds}s)`)
  if (failure !== undefined) {
    console.log('  1 failing')
    console.error(failure)
    console.error(`cycle ${passed} failed; again: ${command}`)
    return 1
  }
  if (options.write && sabotage === undefined)
    await writeFigures(kind, command, lines, 'reliability.md')
  return 0
}

/** Goes from cycle to cycle until one fails. */
export async function run(campaign: Campaign, options: Options): Promise<Outcome> {
  const { cycles, seed, sabotage, stock } = options
  const begun = performance.now()
  await using directory = await temporaryDirectory()
  const ground = {
    random: new SeededRandom(seed),
    cycles,
    seed,
    sabotage,
    stock,
    directory: directory.path,
  }
  await using running = await campaign.start(ground)
  let passed = 0
  const failure = await passing(running, cycles, (count) => (passed = count))
  const seconds = Math.round((performance.now() - begun) / 1000)
  const lines = [...running.figures(), `${passed} cycles in ${seconds} s with seed ${seed}.`]
  return { passed, lines, seconds, failure }
}

/** @returns what went wrong in the cycle that failed */
async function passing(
  running: { cycle(number: number): Promise<void> },
  cycles: number,
  onPassed: (count: number) => void,
): Promise<unknown> {
  let told = performance.now()
  for (let number = 0; number < cycles; number++) {
    try {
      await withinTime(running.cycle(number))
    } catch (error) {
      return error
    }
    onPassed(number + 1)
    if (performance.now() - told < PROGRESS_MS) continue
    told = performance.now()
    console.log(`${number + 1} of ${cycles}`)
  }
  return undefined
}

async function withinTime(cycle: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const error = new Error(`it hangs: not over after ${CYCLE_MS / 60_000} minutes`)
  const timer = setTimeout(() => late.reject(error), CYCLE_MS)
  await Promise.race([cycle, late.promise]).finally(() => clearTimeout(timer))
}
