import { Campaign, FuzzFailure } from './campaign.ts'
import { isLong, isShort, notBack, objectsLeft, warmUp } from './memory-check.ts'
import { memoryTable, progressLine, routeTable, statusTable } from './report.ts'
import { Target } from './target.ts'
import type { Checks } from './checks.ts'
import type { Memory } from './memory.ts'
import type { Reached } from './reached.ts'
import type { Tally } from './tally.ts'
import type { Mode } from './target.ts'

/** How often progress is told, in ms: on a terminal all the time, else seldom. */
const PROGRESS_MS = process.stdout.isTTY ? 1000 : 15_000

/** So many requests come to every route, whatever the seed. */
const ENOUGH = 100_000

/** What one daemon is sent. */
export interface CourseOptions {
  readonly requests: number
  readonly seed: number
  readonly clients: number
  readonly path: string | undefined
}

/** What came of it. */
export interface Course {
  readonly mode: Mode
  readonly tally: Tally
  readonly reached: Reached
  /** Its memory, at what times. */
  readonly marks: readonly (readonly [string, Memory])[]
}

/** Starts a daemon, sends it all that, and looks what is left of it. */
export async function course(mode: Mode, options: CourseOptions, checks: Checks): Promise<Course> {
  await using target = await Target.start(mode)
  const campaign = new Campaign(target, options)
  await campaign.prepare()
  const { seed, clients } = options
  console.log(`mode ${mode}, seed ${seed}, ${clients} clients, data in ${target.daemon.data}`)
  const marks: [string, Memory][] = [['at the start', await target.memoryAtRest()]]
  const ran = await checks.run('every answer is right, and the daemon lives', () =>
    fuzz(target, campaign, options, marks),
  )
  if (ran && options.path === undefined) await lookBehind(target, campaign, checks, marks)
  for (const line of target.complaints.slice(-20)) console.log(`log: ${line}`)
  console.log(
    `\n${statusTable(campaign.tally)}\n\n${routeTable(campaign.reached)}\n\n${memoryTable(marks)}\n`,
  )
  return { mode, tally: campaign.tally, reached: campaign.reached, marks }
}

/** A warm-up, after which memory has to come back, and then all the rest. */
async function fuzz(
  target: Target,
  campaign: Campaign,
  options: CourseOptions,
  marks: [string, Memory][],
): Promise<string> {
  const { tally } = campaign
  const { requests, clients } = options
  const timer = setInterval(() => void tell(target, campaign, requests), PROGRESS_MS)
  try {
    if (options.path === undefined) {
      await campaign.run(warmUp(requests))
      if (isLong(requests)) await target.forgets()
      marks.push([`after ${tally.requests} requests`, await target.memoryOnceIdle(() => false)])
    }
    await campaign.run(requests)
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error
    const path = error.path === undefined ? '' : ` --path ${error.path}`
    const again = `npm run fuzz -- --mode ${target.mode} --seed ${error.seed} --clients ${clients}${path}`
    throw new Error(`${error.message}\n\nAgain: ${again}`, { cause: error })
  } finally {
    clearInterval(timer)
    if (process.stdout.isTTY) process.stdout.write('\x1b[2K\r')
  }
  const [seconds, wait] = [tally.seconds, tally.longestPulse].map(Math.round)
  return `${tally.requests} requests in ${seconds} s; /healthz never took longer than ${wait} ms`
}

async function tell(target: Target, { tally }: Campaign, requests: number): Promise<void> {
  const memory = await target.memoryNow()
  if (memory === undefined) return
  const line = progressLine(tally, requests, memory)
  if (process.stdout.isTTY)
    process.stdout.write(`\x1b[2K\r${line.slice(0, process.stdout.columns - 1)}`)
  else console.log(line)
}

/** What must hold when everybody has gone. */
async function lookBehind(
  target: Target,
  campaign: Campaign,
  checks: Checks,
  marks: [string, Memory][],
): Promise<void> {
  const base = marks.at(-1)?.[1] ?? { all: 0, own: 0 }
  const { requests } = campaign.tally
  let end = base
  await checks.run('every upload can be cancelled', () => campaign.endUploads())
  await checks.run(
    'what was pushed before, and by the good client meanwhile, is there byte for byte',
    () => campaign.verify(),
  )
  await checks.run(
    'the status can be read',
    async () => `root ${(await target.status()).storage.root}`,
  )
  if (requests >= ENOUGH)
    await checks.run('every route of the routers was asked', async () => {
      const { missing, routes } = campaign.reached
      if (missing.length > 0) throw new Error(missing.join('\n'))
      return `${routes.size} of them`
    })
  await checks.run('memory is back', async () => {
    marks.push(['at the most', campaign.tally.peak])
    if (isLong(requests)) await target.forgets()
    // What a long one is measured against idles for the whole time, too: caches let go meanwhile.
    const isBack = (memory: Memory): boolean => notBack(base, memory) === undefined
    end = await target.memoryOnceIdle(isLong(requests) ? () => false : isBack)
    marks.push(['at the end', end])
    const check = isLong(requests) || isShort(requests) ? objectsLeft : notBack
    const why = check(base, end)
    if (why !== undefined) throw new Error(why)
  })
  await checks.run('the log has no fault of the daemon', () => noComplaints(target))
  await checks.run('it stops clean', async () => {
    const { code } = await target.daemon.stop()
    if (code !== 0) throw new Error(`it ended with ${code}`)
  })
  await checks.run('it starts again, and all of that is there', async () => {
    await target.daemon.restart()
    await campaign.verify()
    return `ready after ${Math.round(target.daemon.readyAfter)} ms`
  })
  if (!isLong(requests)) return
  await checks.run('a daemon started anew on that data comes to the same memory', async () => {
    await campaign.run(requests + warmUp(requests))
    await campaign.endUploads()
    await target.forgets()
    const anew = await target.memoryOnceIdle(() => false)
    marks.push([`started anew, after ${campaign.tally.requests - requests} more`, anew])
    const why = notBack(anew, end)
    if (why !== undefined) throw new Error(why)
  })
}

async function noComplaints({ complaints }: Target): Promise<void> {
  if (complaints.length > 0) throw new Error(complaints.slice(0, 5).join('\n'))
}
