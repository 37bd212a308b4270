import { parseArgs } from 'node:util'
import { writeFigures } from '../support/figures-page.ts'
import { Checks } from './checks.ts'
import { course } from './course.ts'
import { figures } from './figures.ts'
import type { Course, CourseOptions } from './course.ts'
import type { Mode } from './target.ts'

const HELP = `npm run fuzz -- [--requests N] [--seed S] [--clients N] [--mode M] [--path P] [--write]

Sends requests of every kind, right, wrong and illegal, to a real daemon, over many connections at once, beside a client
that does everything right: four in five to one in auth.mode open, and then the others to one in mode token, with users
and policies. Ends with 1 when an answer is wrong in itself (a 5xx, malformed HTTP, an error that is none of OCI), when a
right is not kept, when a daemon dies, when the good client is refused, or when memory does not come back.

  --requests N   about how many (default 20000)
  --seed S       of what is sent; a failure names its seed and path
  --clients N    at once (default 8)
  --mode M       only a daemon in that mode: open or token
  --path P       plays only that sequence of the seed again, and makes it shorter
  --write        puts what came of it into docs/reliability.md, when all is well
The daemon's data is below TMPDIR.`

/** The part of all requests that goes to a daemon in mode token. */
const WITH_TOKENS = 1 / 5

interface Options extends CourseOptions {
  readonly modes: readonly Mode[]
  readonly isWritten: boolean
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '20000' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      clients: { type: 'string', default: '8' },
      mode: { type: 'string' },
      path: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) return undefined
  const [requests, seed, clients] = [values.requests, values.seed, values.clients].map(Number)
  if (![requests, seed, clients].every(Number.isSafeInteger) || !requests || !clients)
    throw new Error('--requests, --seed and --clients are whole numbers')
  const { path, write: isWritten } = values
  return { requests, seed: seed ?? 0, clients, path, isWritten, modes: modesOf(values.mode, path) }
}

function modesOf(mode: string | undefined, path: string | undefined): Mode[] {
  if (mode === 'open' || mode === 'token') return [mode]
  if (mode !== undefined) throw new Error('--mode is open or token')
  return path === undefined ? ['open', 'token'] : ['open']
}

async function main(): Promise<number> {
  const options = readOptions()
  if (options === undefined) {
    console.log(HELP)
    return 0
  }
  const { requests, modes } = options
  const checks = new Checks()
  const courses: Course[] = []
  for (const mode of modes) {
    const share = mode === 'token' ? WITH_TOKENS : 1 - WITH_TOKENS
    const part = modes.length === 1 ? requests : Math.round(requests * share)
    courses.push(await course(mode, { ...options, requests: part }, checks))
  }
  const code = checks.end()
  if (options.isWritten) await write(options, courses, code)
  return code
}

async function write({ requests, seed }: Options, courses: readonly Course[], code: number) {
  if (code !== 0 || courses.length < 2) {
    console.log('nothing is written: a page tells of whole runs in which all was well')
    return
  }
  const command = `npm run fuzz -- --requests ${requests} --seed ${seed}`
  await writeFigures('fuzz', command, figures(courses, seed), 'reliability.md')
}

// Leaving by the front door ends the daemon and removes its data.
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))
process.exitCode = await main()
