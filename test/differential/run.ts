import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { TOOLS, howToGet } from '../tools/catalog.ts'
import { findTool } from '../tools/find.ts'
import { toolState } from '../tools/state.ts'
import { USAGE, parseArguments } from './arguments.ts'
import { Campaign, Finding } from './campaign.ts'
import { deadEntries } from './examples.ts'
import { INTENDED } from './intended.ts'
import { writePage } from './page.ts'
import { startPair } from './pair.ts'
import { Unexplained } from './play.ts'
import { showProgress } from './progress.ts'
import { describeUnexplained } from './report.ts'
import type { Arguments } from './arguments.ts'
import type { Tally } from './tally.ts'

/*
 * `npm run differential [-- --sequences 500 --seed 1]`: the same random requests to Heliport and to CNCF Distribution, and
 * every difference is a failure unless it is in the list of intended ones (`intended.ts`, docs/differential.md).
 *
 * Ends with 0 when there is none, 1 when there is one, or an entry of the list explains nothing any more, and 2 when
 * Distribution is not here.
 */

/** Free memory for a directory in it, in bytes: a pair needs some 200 MB. */
const ROOM = 2 * 1024 ** 3
const MEMORY = '/dev/shm'

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  let asked: Arguments
  try {
    asked = parseArguments(args)
  } catch (error) {
    console.error(`differential: ${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    return 1
  }
  const program = await reference()
  if (program === undefined) return 2
  const directory = await workDirectory()
  console.log(`seed ${asked.seed}, ${asked.pairs} pairs, in ${directory}`)
  if (asked.path === undefined && !(await checkExamples(program, directory))) return 1
  const campaign = new Campaign({ ...asked, program, directory, signal })
  try {
    using _progress = showProgress(campaign.tally, asked.sequences)
    await campaign.run()
  } catch (error) {
    console.error(error instanceof Finding ? `\n${error.message}` : error)
    console.log(`\n  ${campaign.tally.sequences} passing\n  1 failing`)
    return 1
  }
  report(campaign.tally)
  if (signal.aborted) return 130
  if (asked.write) await writePage(campaign.tally, asked.seed)
  return 0
}

/** The path of Distribution, in the version that the list is for; says what is missing. */
async function reference(): Promise<string | undefined> {
  const go = await findTool('go')
  const state = await toolState('registry', go)
  if (state.is === 'right' || state.is === 'unchecked') return state.path
  const why = state.is === 'missing' ? 'is not here' : `${state.path} is ${state.what}`
  console.error(`differential: registry (${TOOLS.registry.go}): ${why}\n  ${howToGet('registry')}`)
  if (go === undefined) console.error('  and Go: https://go.dev/dl')
  return undefined
}

/** In memory, where there is room: most of the time would be spent on syncing otherwise. */
async function workDirectory(): Promise<string> {
  try {
    await access(MEMORY, constants.W_OK)
    const { bavail, bsize } = await statfs(MEMORY)
    return bavail * bsize > ROOM ? MEMORY : tmpdir()
  } catch (error) {
    if (error instanceof Error && 'code' in error) return tmpdir() // whatever the reason, it cannot be used
    throw error
  }
}

async function checkExamples(program: string, directory: string): Promise<boolean> {
  await using pair = await startPair(program, directory)
  try {
    const dead = await deadEntries(pair)
    const ids = dead.map(({ id }) => id).join(', ')
    if (dead.length === 0) {
      console.log(`  ${INTENDED.length} passing (intended differences that are still there)`)
      return true
    }
    console.error(`intended differences that are not there any more: ${ids}`)
  } catch (error) {
    if (!(error instanceof Unexplained)) throw error
    console.error(describeUnexplained(error))
  }
  console.log('\n  1 failing')
  return false
}

function report({ sequences, exchanges, seconds, fired }: Tally): void {
  for (const { id, times } of fired) console.log(`${String(times).padStart(8)}  ${id}`)
  const never = fired.filter(({ times }) => times === 0).map(({ id }) => id)
  if (never.length > 0) console.log(`not met in this run: ${never.join(', ')}`)
  console.log(`${exchanges} requests to each, no difference that is not intended`)
  console.log(`\n  ${sequences} passing (${Math.round(seconds)}s)`)
}

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(130) // whoever asks twice means it
    stop.abort(new Error(`stopped by ${name}`))
  })
process.exitCode = await main(process.argv.slice(2), stop.signal)
