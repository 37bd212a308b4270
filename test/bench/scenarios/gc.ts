import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import { startHeliport } from '../contenders.ts'
import { FigureBook } from '../figures.ts'
import { shown } from '../in-turns.ts'
import { shapeOf } from '../seed/shape.ts'
import { LOADS, REPOSITORY, blobsOf, bytesOf, nameOf, scaled } from './loads.ts'
import type { Running } from '../contenders.ts'
import type { Sample } from '../figures.ts'
import type { Scenario, Stage } from '../scenario.ts'

const LAUNCHER = join(import.meta.dirname, '../../../bin/heliport.cjs')
const LOAD = LOADS['8x100m']
const AT_ONCE = 5
const RATIO = 'with the collector'

/** Pushes of one registry, in turns without and with the collector running. */
export const PUSH_DURING_GC: Scenario = {
  id: 'push-gc',
  title: 'Push while garbage is collected',
  how: `${nameOf(LOAD)} into a registry of 1,000 manifests, once without and once while \`heliport gc\` runs again and again.`,
  goals: { [RATIO]: [{ atMost: 1.5 }] },
  writes: true,
  disk: ({ quick, rounds }) => 2 * rounds * bytesOf(scaled(LOAD, quick)),
  missing: async () => {
    const help = await run(process.execPath, [LAUNCHER, 'help'])
    return /^\s*heliport gc\b/m.test(help) ? undefined : 'not there yet: needs `heliport gc`'
  },
  async run(stage) {
    await using running = await startHeliport({ seed: shapeOf(stage.quick ? 10 : 1000) })
    const book = new FigureBook()
    let runs = 0
    for (let round = 1; round <= stage.rounds; round++) {
      const without = await push(stage, running, 2 * round)
      const collecting = new AbortController()
      const collector = collect(running, collecting.signal)
      collector.catch(() => undefined) // told below, when it is waited for
      const meanwhile = await push(stage, running, 2 * round + 1).finally(() => collecting.abort())
      runs += await collector
      const samples: Sample[] = [
        { name: 'alone', unit: 'ms', value: without },
        { name: 'meanwhile', unit: 'ms', value: meanwhile },
        { name: RATIO, unit: 'times as long', value: meanwhile / without },
      ]
      book.note('heliport', samples)
      stage.say(`round ${round} of ${stage.rounds}: ${shown(samples)}`)
    }
    return { figures: book.figures(), notes: [`The collector ran ${runs} times meanwhile.`] }
  },
}

async function push(stage: Stage, { host }: Running, seed: number): Promise<number> {
  stage.signal.throwIfAborted()
  await run('sync', [], { timeout: 600_000, signal: stage.signal })
  const blobs = blobsOf(scaled(LOAD, stage.quick), seed)
  const order = { do: 'push', host, repository: REPOSITORY, blobs, atOnce: AT_ONCE } as const
  return (await stage.load.ask(order)).ms
}

/** Collects until it is told to stop, and at least once. @returns how often */
async function collect({ data = '' }: Running, signal: AbortSignal): Promise<number> {
  for (let runs = 1; ; runs++) {
    await run(process.execPath, [LAUNCHER, 'gc', '--data', data], { timeout: 600_000 })
    if (signal.aborted) return runs
  }
}
