import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { arranged } from '../../src/daemon/arrangement.ts'
import { dataDirectory } from '../../src/daemon/data-directory.ts'
import { rollback } from '../../src/daemon/rollback.ts'
import { openStorage } from '../../src/daemon/storage.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { PublishRules } from '../../src/oci/publish-rules.ts'
import { writeFigures } from '../support/figures-page.ts'
import { randomImage, store } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Storage } from '../../src/daemon/storage.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'

/*
 * What it costs that the rules of what is published change, and a rollback under such rules. Half of the repositories are
 * meant by the rules; each has one image of three blobs.
 */

const HELP = `usage: node test/unpublish/run.ts [--repositories 1000,3000] [--write]`
const EVERYTHING = new PublishRules()
const HALF = new PublishRules([{ match: ['secret/**' as RepositoryPattern], publish: false }])
/** Repositories that are filled at once. */
const AT_ONCE = 100
const log = pino({ level: 'silent' })
const { signal } = new AbortController()

interface Figure {
  readonly what: string
  readonly seconds: number
  /** Of the processor. */
  readonly cpu: number
  /** Longest that the event loop was held, in ms. */
  readonly held: number
}

async function measured(what: string, work: () => Promise<unknown>): Promise<Figure> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const [begun, used] = [performance.now(), process.cpuUsage()]
  await work()
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(used)
  delay.disable()
  return { what, seconds, cpu: (user + system) / 1e6, held: delay.max / 1e6 }
}

async function fill({ lane, contents }: Storage, space: string, count: number): Promise<void> {
  const parts = { writer: lane, content: contents }
  for (let at = 0; at < count; at += AT_ONCE) {
    const names = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, n) =>
      parseName(`${space}/app${at + n}`),
    )
    await Promise.all(names.map((name) => store(parts, name, randomImage(), parseTag('v1'))))
  }
}

async function play(repositories: number): Promise<Figure[]> {
  await using directory = await temporaryDirectory()
  const open = (rules: PublishRules): Promise<Storage> =>
    openStorage(dataDirectory(directory.path), () => Promise.resolve(), { rules })
  const figures: Figure[] = []
  const note = async (what: string, work: () => Promise<unknown>): Promise<void> =>
    void figures.push(await measured(what, work))
  let before = 0
  {
    await using storage = await open(EVERYTHING)
    await fill(storage, 'secret', repositories / 2)
    await fill(storage, 'team', repositories / 2)
    for await (const { sequence } of storage.journal.entries({ limit: 1 })) before = sequence
  }
  {
    await using storage = await open(HALF)
    await note('the rules take half of them back', () => arranged(storage, HALF, { log, signal }))
    const parts = { ...storage, isReadOnly: false }
    await note('a rollback to before that', () =>
      Array.fromAsync(rollback(parts, String(before), { dryRun: false })),
    )
  }
  {
    await using storage = await open(EVERYTHING)
    await note('the rules publish all', () => arranged(storage, EVERYTHING, { log, signal }))
  }
  return figures
}

const { values } = parseArgs({
  options: {
    repositories: { type: 'string', default: '1000,3000' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
} else {
  const lines = [
    '| repositories | what | time | processor | event loop held at most |',
    '| --- | --- | --- | --- | --- |',
  ]
  for (const repositories of values.repositories.split(',').map(Number)) {
    if (!Number.isInteger(repositories) || repositories < 2) throw new Error(HELP)
    for (const { what, seconds, cpu, held } of await play(repositories)) {
      const line = `| ${repositories} | ${what} | ${seconds.toFixed(1)} s | ${cpu.toFixed(1)} s | ${held.toFixed(0)} ms |`
      console.log(line)
      lines.push(line)
    }
  }
  if (values.write)
    await writeFigures(
      'unpublish',
      `node test/unpublish/run.ts --repositories ${values.repositories} --write`,
      lines,
      'private-repositories.md',
    )
}
