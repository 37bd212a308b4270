import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { peakMemory } from '../../e2e/support/memory.ts'
import { quantile } from '../../network/support/figures.ts'
import { startHeliport } from '../contenders.ts'
import { FigureBook } from '../figures.ts'
import { residentMemory, shown } from '../in-turns.ts'
import { growHeliport } from '../seed/heliport.ts'
import { LAYER, repositoryAt, seedlingAt, shapeOf } from '../seed/shape.ts'
import type { Running } from '../contenders.ts'
import type { Sample } from '../figures.ts'
import type { Scenario, Stage } from '../scenario.ts'

/** Manifests, and GiB of content besides. */
const SIZES = [
  { manifests: 10, gib: 0 },
  { manifests: 1000, gib: 0 },
  { manifests: 100_000, gib: 50 },
] as const
const QUICK = [
  { manifests: 10, gib: 0 },
  { manifests: 100, gib: 0 },
] as const

/** As figures are named: `ready at 1,000`. */
export const at = (what: string, manifests: number): string =>
  `${what} at ${manifests.toLocaleString('en')}`

/** What a registry costs as it grows. */
export const GROWTH: Scenario = {
  id: 'growth',
  title: 'Cost as a registry grows',
  how: 'Registries of 10, 1,000 and 100,000 manifests (`npm run bench -- grow`), in repositories of 100 tags; the largest with 50 blobs of 1 GiB of zeros besides. Of each: restarts until it answers, memory right after that, manifests put one after the other, first pages of 100, and the most memory meanwhile.',
  goals: {
    [at('ready', 100_000)]: [{ atMost: 2000 }],
    [at('memory, most', 100_000)]: [{ atMost: 450 }],
    [at('manifest PUT, p50', 1000)]: [{ atMost: 10 }],
    [at('manifest PUT, p50', 100_000)]: [{ atMost: 15 }],
    [at('tags, first page', 100_000)]: [{ atMost: 10 }],
    [at('catalog, first page', 100_000)]: [{ atMost: 10 }],
  },
  disk: ({ quick }) => (quick ? 2 ** 27 : 2 ** 31),
  async run(stage) {
    const book = new FigureBook()
    for (const { manifests, gib } of stage.quick ? QUICK : SIZES) {
      const data = join(stage.directory, `grown-${manifests}`)
      const began = performance.now()
      await growHeliport(data, shapeOf(manifests), { gib, signal: stage.signal })
      stage.say(
        `${manifests} manifests grown in ${((performance.now() - began) / 1000).toFixed(1)} s`,
      )
      await (await startHeliport({ data }))[Symbol.asyncDispose]() // its keys are made
      for (let round = 1; round <= stage.rounds; round++) {
        stage.signal.throwIfAborted()
        const samples = await measure(stage, data, round)
        const named = samples.map((one) => ({ ...one, name: at(one.name, manifests) }))
        book.note('heliport', named)
        stage.say(`round ${round} of ${stage.rounds}: ${shown(named)}`)
      }
      await rm(data, { recursive: true })
    }
    return { figures: book.figures() }
  },
}

async function measure(stage: Stage, data: string, round: number): Promise<Sample[]> {
  await using running = await startHeliport({ data })
  const base = (await residentMemory(running.pid)) / 1e6
  const time = async (name: string, path: string): Promise<Sample> => {
    const order = { do: 'ask', method: 'GET', paths: [path], connections: 1 } as const
    await stage.load.ask({ ...order, host: running.host, count: 3 })
    const { each } = await stage.load.ask({ ...order, host: running.host, count: 20 })
    return { name, unit: 'ms', value: quantile(each, 0.5) }
  }
  return [
    { name: 'ready', unit: 'ms', value: running.readyAfter },
    { name: 'memory, at start', unit: 'MB', value: base },
    await put(stage, running, round),
    await time('tags, first page', `/v2/${repositoryAt(0)}/tags/list?n=100`),
    await time('catalog, first page', '/v2/_catalog?n=100'),
    { name: 'memory, most', unit: 'MB', value: (await peakMemory(running.pid)) / 1e6 },
  ]
}

async function put({ load, quick }: Stage, { host }: Running, seed: number): Promise<Sample> {
  const { image } = seedlingAt(0, 0)
  const { each } = await load.ask({
    do: 'manifests',
    host,
    repository: repositoryAt(0),
    config: { seed: 0, size: image.config.bytes.length, digest: image.config.digest },
    layer: { seed: 0, size: LAYER.size, digest: LAYER.digest },
    seed,
    count: quick ? 5 : 100,
  })
  return { name: 'manifest PUT, p50', unit: 'ms', value: quantile(each, 0.5) }
}
