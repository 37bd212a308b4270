import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { peakMemory } from '../../e2e/support/memory.ts'
import { quantile } from '../../network/support/figures.ts'
import { startHeliport } from '../contenders.ts'
import { FigureBook } from '../figures.ts'
import { residentMemory, shown } from '../in-turns.ts'
import { growHeliport } from '../seed/heliport.ts'
import { LAYER, repositoryAt, seedlingAt, shapeOf, tagAt } from '../seed/shape.ts'
import { verifyGrown } from '../seed/verify.ts'
import type { Running } from '../contenders.ts'
import type { Sample } from '../figures.ts'
import type { Scenario, Stage } from '../scenario.ts'
import type { Shape } from '../seed/shape.ts'
import type { Grown } from '../seed/verify.ts'

/** Manifests, and GiB of content besides. */
const SIZES = [
  { manifests: 10, gib: 0 },
  { manifests: 1000, gib: 0 },
  { manifests: 100_000, gib: 50 },
] as const
const QUICK = [
  { manifests: 10, gib: 0 },
  { manifests: 100, gib: 1 },
] as const

/** As figures are named: `ready at 1,000`. */
export const at = (what: string, manifests: number): string =>
  `${what} at ${manifests.toLocaleString('en')}`

/** What a registry costs as it grows. */
export const GROWTH: Scenario = {
  id: 'growth',
  title: 'Cost as a registry grows',
  how: 'Registries of 10, 1,000 and 100,000 manifests (`npm run bench -- grow`), in repositories of 100 tags; the largest with 50 layers of 1 GiB besides, which are 51,200 files of 1 MiB with holes in them, no two alike. Of each: restarts until it answers, memory right after that, 100 manifests put one after the other into one of the repositories, pages of 100 (the first, and the one after nine tenths), and the most memory meanwhile. At the end, 50 images and one of the large layers are pulled, and have to be what was grown.',
  goals: {
    [at('ready', 100_000)]: [{ atMost: 2000 }],
    [at('memory, most', 100_000)]: [{ atMost: 450 }],
    [at('manifest PUT, p50', 1000)]: [{ atMost: 10 }],
    [at('manifest PUT, p50', 100_000)]: [{ atMost: 15 }],
    [at('tags, first page', 100_000)]: [{ atMost: 10 }],
    [at('catalog, first page', 100_000)]: [{ atMost: 10 }],
  },
  writes: true,
  disk: ({ quick }) => (quick ? 2 ** 27 : 2 ** 32),
  async run(stage) {
    const book = new FigureBook()
    for (const { manifests, gib } of stage.quick ? QUICK : SIZES) {
      const data = join(stage.directory, `grown-${manifests}`)
      const began = performance.now()
      const shape = shapeOf(manifests)
      const leaves = stage.quick ? 16 : 1024
      await growHeliport(data, shape, { gib, leaves, signal: stage.signal })
      stage.say(
        `${manifests} manifests grown in ${((performance.now() - began) / 1000).toFixed(1)} s`,
      )
      await (await startHeliport({ data }))[Symbol.asyncDispose]() // its keys are made
      for (let round = 1; round <= stage.rounds; round++) {
        stage.signal.throwIfAborted()
        const samples = await measure(stage, data, shape, round)
        const named = samples.map((one) => ({ ...one, name: at(one.name, manifests) }))
        book.note('heliport', named)
        stage.say(`round ${round} of ${stage.rounds}: ${shown(named)}`)
      }
      await verify(data, { shape, gib }, stage.signal)
      await rm(data, { recursive: true })
    }
    return { figures: book.figures() }
  },
}

async function measure(stage: Stage, data: string, shape: Shape, round: number): Promise<Sample[]> {
  await using running = await startHeliport({ data })
  const base = (await residentMemory(running.pid)) / 1e6
  const time = async (name: string, path: string): Promise<Sample> => {
    const order = { do: 'ask', method: 'GET', paths: [path], connections: 1 } as const
    await stage.load.ask({ ...order, host: running.host, count: 3 })
    const { each } = await stage.load.ask({ ...order, host: running.host, count: 20 })
    return { name, unit: 'ms', value: quantile(each, 0.5) }
  }
  const tags = `/v2/${repositoryAt(0)}/tags/list?n=100`
  const catalog = '/v2/_catalog?n=100'
  const deep = (entry: string): string => `&last=${encodeURIComponent(entry)}`
  return [
    { name: 'ready', unit: 'ms', value: running.readyAfter },
    { name: 'memory, at start', unit: 'MB', value: base },
    ...(await put(stage, running, { repository: round % shape.repositories, seed: round })),
    await time('tags, first page', tags),
    await time('tags, deep page', tags + deep(tagAt(Math.floor(shape.tags * 0.9)))),
    await time('catalog, first page', catalog),
    await time(
      'catalog, deep page',
      catalog + deep(repositoryAt(Math.floor(shape.repositories * 0.9))),
    ),
    { name: 'memory, most', unit: 'MB', value: (await peakMemory(running.pid)) / 1e6 },
  ]
}

async function put(
  { load, quick }: Stage,
  { host }: Running,
  { repository, seed }: { repository: number; seed: number },
): Promise<Sample[]> {
  const { image } = seedlingAt(repository, 0)
  const { each } = await load.ask({
    do: 'manifests',
    host,
    repository: repositoryAt(repository),
    config: { seed: 0, size: image.config.bytes.length, digest: image.config.digest },
    layer: { seed: 0, size: LAYER.size, digest: LAYER.digest },
    seed,
    count: quick ? 5 : 100,
  })
  return [
    { name: 'manifest PUT, p50', unit: 'ms', value: quantile(each, 0.5) },
    { name: 'manifest PUT, p99', unit: 'ms', value: quantile(each, 0.99) },
  ]
}

async function verify(data: string, grown: Grown, signal: AbortSignal): Promise<void> {
  await using running = await startHeliport({ data })
  await verifyGrown(running.host, grown, signal)
}
