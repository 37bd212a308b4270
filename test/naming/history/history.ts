import { calm } from './calm.ts'
import { nextStep } from './steps.ts'
import { World } from './world.ts'
import type { DiskDefect } from './disk.ts'

/** Steps in one history; the next one begins with new nodes. */
const HISTORY_STEPS = 500
/** Steps between two calms. */
const UNTIL_CALM = 100
/** Steps that a failure shows. */
const SHOWN = 40

/** What is broken on purpose, to see that the model would notice. */
export const DEFECTS: Readonly<Record<string, DiskDefect>> = {
  /** Mirrors know what they served, but not that nothing older may be taken. */
  'no floor': {
    reads: (key, value) => (key.startsWith('mirrors/') ? without('floor', value) : value),
  },
  /** Mirrors whose state is never really on disk. */
  'mirrors forget': { forgets: (key) => key.startsWith('mirrors/') },
  /** Writers who sign before the sequence is on disk, and so lose the last one when they die. */
  'writers lose count': {
    reads: (key, value) => (key.startsWith('publisher/') ? oneBehind(value) : value),
  },
  /** Writers who do not know any more that they have met another one. */
  'writers forget another writer': {
    reads: (key, value) => (key.startsWith('publisher/') ? without('conflict', value) : value),
  },
  /** Mirrors by domain who do not know any more whose root served. */
  'domains forget the name before': { forgets: (key) => /^dnslink\/.*\/before$/.test(key) },
}

function without(part: string, value: Uint8Array): Uint8Array {
  const state = JSON.parse(Buffer.from(value).toString('utf8')) as object
  return Buffer.from(JSON.stringify({ ...state, [part]: undefined }))
}

function oneBehind(value: Uint8Array): Uint8Array {
  const state = JSON.parse(Buffer.from(value).toString('utf8')) as { sequence: string }
  const last = BigInt(state.sequence)
  const sequence = (last > 0n ? last - 1n : 0n).toString()
  return Buffer.from(JSON.stringify({ ...state, sequence, record: undefined }))
}

export interface HistoryOptions {
  readonly steps: number
  readonly seed: number
  readonly defect?: DiskDefect | undefined
  /** Told now and then how many steps were taken. */
  readonly onProgress?: ((steps: number) => void) | undefined
}

export interface HistoryReport {
  readonly steps: number
  readonly histories: number
  /** How often each kind of step was taken. */
  readonly kinds: ReadonlyMap<string, number>
  /** How often something was compared with what was before. */
  readonly checks: number
  /** Simulated time, in ms. */
  readonly elapsed: number
  /** What went wrong first; `undefined` when nothing did. */
  readonly failure: string | undefined
}

/** Plays random histories of names until so many steps were taken, or something went wrong. */
export async function play(options: HistoryOptions): Promise<HistoryReport> {
  const kinds = new Map<string, number>()
  let [steps, histories, checks, elapsed] = [0, 0, 0, 0]
  let failure: string | undefined
  while (steps < options.steps && failure === undefined) {
    const seed = options.seed + histories++
    const world = await World.create(seed, options.defect)
    const transcript: string[] = []
    const many = Math.min(HISTORY_STEPS, options.steps - steps)
    try {
      for (let step = 1; step <= many; step++, steps++)
        await take(world, step, many, transcript, kinds)
    } catch (error) {
      failure = explain(error, seed, transcript)
    }
    checks += world.watch.checks
    elapsed += world.time.elapsed
    for (const node of world.nodes) if (node.isUp) await endQuietly(world, node.id)
    options.onProgress?.(steps)
  }
  return { steps, histories, kinds, checks, elapsed, failure }
}

async function take(
  world: World,
  step: number,
  many: number,
  transcript: string[],
  kinds: Map<string, number>,
): Promise<void> {
  const isCalm = step % UNTIL_CALM === 0 || step === many
  const kind = isCalm ? { name: 'calm', run: calmStep } : nextStep(world)
  kinds.set(kind.name, (kinds.get(kind.name) ?? 0) + 1)
  const line = `${step}. after ${(world.time.elapsed / 1000).toFixed(3)} s: ${kind.name}`
  transcript.push(line)
  const about = await kind.run(world)
  transcript[transcript.length - 1] = about === '' ? line : `${line} (${about})`
  await world.pass(world.random.between(0, 400))
}

async function calmStep(world: World): Promise<string> {
  await calm(world)
  return ''
}

function explain(error: unknown, seed: number, transcript: readonly string[]): string {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `seed ${seed}: ${what}\n\nThe last steps:\n${transcript.slice(-SHOWN).join('\n')}`
}

/** After a failure a node may hang: its end is not waited for. */
async function endQuietly(world: World, id: string): Promise<void> {
  void world
    .node(id)
    .crash()
    .catch(() => undefined)
  await world.time.pass(1_000)
}
