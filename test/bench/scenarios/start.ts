import { join } from 'node:path'
import { median } from '../../network/support/figures.ts'
import { run } from '../../e2e/support/command.ts'
import { FigureBook } from '../figures.ts'
import { residentMemory, shown } from '../in-turns.ts'
import type { Contender } from '../contenders.ts'
import type { Sample } from '../figures.ts'
import type { Scenario } from '../scenario.ts'

const LAUNCHER = join(import.meta.dirname, '../../../bin/heliport.cjs')
/** Of which the median is taken, for what is over quickly. */
const TIMES = 5

/** Starts, of registries with nothing in them. */
export const START: Scenario = {
  id: 'start',
  title: 'Start of an empty registry, and what it needs',
  how: 'From the start of the process until it answers; memory right after that. `heliport --help` with a warm cache of compiled code. Heliport makes its keys at this first start.',
  goals: {
    ready: [{ atMost: 2000 }],
    memory: [{ atMost: 220 }],
    'heliport --help': [{ atMost: 200 }],
  },
  disk: () => 2 ** 26,
  async run({ contenders, rounds, signal, say }) {
    const book = new FigureBook()
    for (let round = 1; round <= rounds; round++) {
      for (const contender of contenders) {
        signal.throwIfAborted()
        const samples = await start(contender)
        if (contender.id === 'heliport') samples.push(await help(signal))
        book.note(contender.id, samples)
        say(`round ${round} of ${rounds}: ${contender.title}: ${shown(samples)}`)
      }
    }
    return { figures: book.figures() }
  },
}

async function start(contender: Contender): Promise<Sample[]> {
  await using running = await contender.start()
  return [
    { name: 'ready', unit: 'ms', value: running.readyAfter },
    { name: 'memory', unit: 'MB', value: (await residentMemory(running.pid)) / 1e6 },
  ]
}

async function help(signal: AbortSignal): Promise<Sample> {
  const times: number[] = []
  for (let at = 0; at < TIMES; at++) {
    const began = performance.now()
    await run(process.execPath, [LAUNCHER, '--help'], { signal })
    times.push(performance.now() - began)
  }
  return { name: 'heliport --help', unit: 'ms', value: median(times) }
}
