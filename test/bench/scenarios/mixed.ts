import { setTimeout as pause } from 'node:timers/promises'
import { peakMemory } from '../../e2e/support/memory.ts'
import { trendOf } from '../../faults/campaign/trend.ts'
import { emptyRegistry } from '../../faults/empty.ts'
import { MixedLoad } from '../../faults/mixed-load.ts'
import { median } from '../../network/support/figures.ts'
import { RegistryClient } from '../../support/client.ts'
import { startHeliport } from '../contenders.ts'
import { residentMemory } from '../in-turns.ts'
import { blobOf } from '../load/content.ts'
import type { Figure } from '../figures.ts'
import type { CoursePoint, Outcome, Scenario, Stage } from '../scenario.ts'

const WRITERS = 4
/** How long writers go on before everything is pulled back and deleted, in ms. */
const CYCLE = 8000
/** A layer that is pushed and pulled in each cycle beside what the writers do. */
const LARGE = 64 * 2 ** 20
/** How often memory is looked at, in ms. */
const LOOK = 1000
/** Points of the chart at most. */
const POINTS = 300
/** The part of the time in which caches fill, and after which nothing may grow. */
const WARM_UP = 1 / 3

/** Memory while the registry has everything to do at once, for long. */
export const MIXED: Scenario = {
  id: 'mixed',
  title: 'Memory under mixed load',
  how: `${WRITERS} writers push, tag, mount, delete, and upload in pieces, while a layer of 64 MiB is pushed and pulled, and garbage is collected every second; every ${CYCLE / 1000} s everything that was acknowledged is pulled back and compared, and all repositories are deleted. Memory (RSS) once a second; growth is from the second third of the time to the last one, by their medians.`,
  goals: {
    'memory, most': [{ atMost: 450 }],
    growth: [{ atMost: 10 }],
  },
  disk: () => 2 ** 32,
  run: mixed,
}

async function mixed(stage: Stage): Promise<Outcome> {
  const config = {
    retention: { history: '0s', lease: '5s' },
    gc: { interval: '1s' },
  }
  await using running = await startHeliport({ config })
  const base = await residentMemory(running.pid)
  const client = new RegistryClient(`http://${running.host}`)
  const over = new AbortController()
  const course: CoursePoint[] = []
  const began = performance.now()
  const left = (): number => stage.seconds * 1000 - (performance.now() - began)
  const looking = look(running.pid, course, over.signal)
  let [acknowledged, cycles] = [0, 0]
  try {
    for (; left() > 0; cycles++) {
      stage.signal.throwIfAborted()
      const load = new MixedLoad(WRITERS, cycles)
      const until = AbortSignal.timeout(Math.max(1, Math.ceil(Math.min(CYCLE, left()))))
      await Promise.all([load.run(client, { until }), large(stage, running.host, cycles)])
      await load.verify(client)
      acknowledged += load.acknowledged
      await emptyRegistry(client)
      stage.say(`${Math.round(course.at(-1)?.seconds ?? 0)} s: ${course.at(-1)?.mb.toFixed(0)} MB`)
    }
  } finally {
    over.abort(new Error('the load is over'))
    await looking
  }
  const peak = await peakMemory(running.pid)
  return {
    figures: figures(course, peak),
    memory: { heliport: { base, peak } },
    course: thinned(course),
    notes: [
      `${cycles} cycles in ${Math.round((performance.now() - began) / 1000)} s: ${acknowledged} acknowledged operations of the writers, of which none was lost, and no call failed. ${trend(course)}`,
    ],
  }
}

/** Pushes a layer and pulls it, through memory that is not the registry's. */
async function large({ load, signal, quick }: Stage, host: string, seed: number): Promise<void> {
  const blob = blobOf({ seed, size: quick ? 2 ** 20 : LARGE })
  const repository = 'load/large'
  await load.ask({ do: 'push', host, repository, blobs: [blob], atOnce: 1 })
  const answer = await fetch(`http://${host}/v2/${repository}/blobs/${blob.digest}`, { signal })
  if (answer.status !== 200) throw new Error(`the layer was answered ${answer.status}`)
  let size = 0
  for await (const piece of answer.body ?? []) size += piece.length
  if (size !== blob.size) throw new Error(`the layer came with ${size} bytes`)
}

async function look(pid: number, course: CoursePoint[], signal: AbortSignal): Promise<void> {
  const began = performance.now()
  while (!signal.aborted) {
    const mb = (await residentMemory(pid)) / 1e6
    course.push({ seconds: (performance.now() - began) / 1000, mb })
    await pause(LOOK, undefined, { signal }).catch(() => undefined) // it is over
  }
}

export function figures(course: readonly CoursePoint[], peak: number): Figure[] {
  const third = (from: number): number[] =>
    course
      .slice(Math.floor(course.length * from), Math.ceil(course.length * (from + WARM_UP)))
      .map(({ mb }) => mb)
  const [second, last] = [median(third(WARM_UP)), median(third(2 * WARM_UP))]
  const values = { 'memory, most': peak / 1e6, 'memory, median at the end': last }
  const figure = (name: string, value: number): Figure => ({
    name,
    unit: 'MB',
    values: { heliport: [value] },
  })
  return [
    ...Object.entries(values).map(([name, value]) => figure(name, value)),
    figure('growth', last - second),
  ]
}

function trend(course: readonly CoursePoint[]): string {
  const warm = course.slice(Math.floor(course.length * WARM_UP))
  const line = trendOf(warm.map(({ seconds, mb }) => ({ group: 0, x: seconds / 3600, y: mb })))
  if (line === undefined) return 'Too few points for a trend.'
  const { slope, margin, points } = line
  return `After the first third, memory went by ${slope.toFixed(1)} ± ${margin.toFixed(1)} MB an hour (least squares, 95 %, ${points} points).`
}

/** Of many points those at equal distances. */
export function thinned(course: readonly CoursePoint[]): CoursePoint[] {
  const step = Math.ceil(course.length / POINTS)
  return course
    .filter((_, at) => at % step === 0)
    .map(({ seconds, mb }) => ({ seconds: Math.round(seconds), mb: Math.round(mb) }))
}
