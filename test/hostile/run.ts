import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { cases } from './case.ts'
import { Lane, Unjudged } from './lane.ts'
import { runsBefore } from './ledger.ts'
import { writePage } from './page.ts'
import { Tally } from './tally.ts'
import type { Case } from './case.ts'

const USAGE = `Usage: npm run network -- hostile [options]

  --cases N    hostile mirrors to play (200)
  --seed S     where they come from, a number (another one each time); a lane has S, the next S + 1
  --path P     plays only the case that a failure named, with its --seed
  --lanes N    daemons at once (3)
  --keep-going plays on after a failure, and makes none of them smaller
  --quick      6 cases, unless there is another number
  --write      adds the figures of this run to those of docs/network.md`

/** After a failure so long is spent on making it smaller, in ms. */
const SHRINKING_MS = 180_000
/** How often progress is told, in ms. */
const PROGRESS_MS = 15_000

/** More cases that came late on a busy machine than this share are no result. */
const UNJUDGED = 0.2

interface Arguments {
  help: boolean
  cases: number
  seed: number
  path: string | undefined
  lanes: number
  keepGoing: boolean
  write: boolean
}

/**
 * Plays generated hostile mirrors against real daemons.
 *
 * @returns the exit code: 0 when none of them did harm, 1 when one did, or when the arguments make no sense
 */
export async function main(args: readonly string[]): Promise<number> {
  let asked: Arguments
  try {
    asked = parseArguments(args)
  } catch (error) {
    console.error(`hostile: ${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    return 1
  }
  if (asked.help) {
    console.log(USAGE)
    return 0
  }
  const { seed, path } = asked
  const lanes = path === undefined ? Math.min(asked.lanes, asked.cases) : 1
  if (asked.write) await runsBefore({ seed, lanes })
  console.log(`seed ${seed}, ${asked.cases} cases in ${lanes} lanes`)
  const tally = new Tally()
  const progress = setInterval(() => console.log(tally.line), PROGRESS_MS)
  const failures = await Promise.all(
    Array.from({ length: lanes }, (_, n) => {
      const share = Math.floor((asked.cases + n) / lanes)
      return play({ seed: seed + n, path, count: share, keepGoing: asked.keepGoing }, tally)
    }),
  ).finally(() => clearInterval(progress))
  const found = failures.flat()
  for (const failure of found) console.error(`\n${failure}`)
  console.log(tally.report)
  console.log(`\n  ${tally.cases} passing (${Math.round(tally.seconds)}s)`)
  if (found.length > 0) {
    const reasons = found.map((failure) => `    ${failure.split('\n')[0]}`)
    console.log([`  ${found.length} failing`, ...reasons].join('\n'))
  }
  const isJudged = tally.unjudged <= asked.cases * UNJUDGED
  if (!isJudged)
    console.error('hostile: this machine is too busy with other things to judge by the clock')
  if (found.length > 0 || !isJudged) return 1
  if (asked.write) await writePage(tally, seed, lanes)
  return 0
}

/** What one lane plays. */
interface Share {
  readonly seed: number
  readonly path: string | undefined
  readonly count: number
  readonly keepGoing: boolean
}

/** Plays the cases of one seed, one after the other. @returns what to print of those that did harm */
async function play({ seed, path, count, keepGoing }: Share, tally: Tally): Promise<string[]> {
  await using lane = await Lane.start(`${seed}`, (question, got) => tally.answer(question, got))
  lane.isCareful = path !== undefined
  const found: string[] = []
  let [number, failedAt] = [-1, Infinity]
  const property = fc.asyncProperty(cases, async (one: Case) => {
    number++
    if (performance.now() > failedAt + SHRINKING_MS) return
    if (path !== undefined && tally.cases > 0) return // it would go on with the neighbours
    try {
      const seen = await lane.play(one)
      if (failedAt === Infinity) tally.count(seen)
    } catch (error) {
      if (error instanceof Unjudged) return tally.leave(error.message)
      console.log(`failed: ${messageOf(error).split('\n')[0]}`)
      if (keepGoing) {
        found.push(described(error, one, `${seed} --path ${number}`))
        console.log(found.at(-1))
        return
      }
      failedAt = Math.min(failedAt, performance.now())
      lane.isCareful = true
      throw error
    }
  })
  const details = await fc.check(property, {
    seed,
    numRuns: count,
    ...(path === undefined ? {} : { path }),
  })
  if (!details.failed) return found
  const { counterexample, counterexamplePath, errorInstance } = details
  return [described(errorInstance, counterexample?.[0], `${seed} --path ${counterexamplePath}`)]
}

function described(error: unknown, one: Case | undefined, how: string): string {
  return [
    messageOf(error),
    JSON.stringify(one, null, 1),
    `again: npm run network -- hostile --cases 1 --seed ${how}`,
  ].join('\n')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      quick: { type: 'boolean', default: false },
      cases: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      path: { type: 'string' },
      lanes: { type: 'string', default: '3' },
      'keep-going': { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  })
  const whole = (option: string, text: string, least: number): number => {
    const number = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number
    throw new Error(`--${option} is a whole number from ${least} on, not ${text}`)
  }
  return {
    help: values.help,
    cases: whole('cases', values.cases ?? (values.quick ? '6' : '200'), 1),
    seed: whole('seed', values.seed, 0),
    path: values.path,
    lanes: whole('lanes', values.lanes, 1),
    keepGoing: values['keep-going'],
    write: values.write,
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
