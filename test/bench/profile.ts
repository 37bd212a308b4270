import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { columns } from '../tools/table.ts'

/** A CPU profile as V8 writes it (Chrome DevTools protocol, `Profiler.Profile`), as far as it is read here. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { functionName: string; url: string; lineNumber: number }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  /** Microseconds. */
  readonly timeDeltas: readonly number[]
}

/** A function, and its share of the time in which the thread was not idle. */
export interface Share {
  readonly where: string
  /** In it alone. */
  readonly own: number
  /** In it, and in all that it called. */
  readonly whole: number
}

const IDLE = '(idle)'
const SHOWN = 30

/** Shares of all functions in these profiles together, of one thread each. */
export function shares(profiles: readonly Profile[]): { busy: number; shares: Share[] } {
  const own = new Map<string, number>()
  const whole = new Map<string, number>()
  let busy = 0
  for (const profile of profiles) {
    const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
    const parents = new Map(
      profile.nodes.flatMap(({ id, children = [] }) =>
        children.map((child) => [child, id] as const),
      ),
    )
    for (const [at, sample] of profile.samples.entries()) {
      const time = profile.timeDeltas[at] ?? 0
      const path: string[] = []
      for (let id: number | undefined = sample; id !== undefined; id = parents.get(id))
        path.push(placeOf(nodes.get(id)?.callFrame))
      if (path[0] === IDLE) continue
      busy += time
      add(own, path[0] ?? '', time)
      for (const place of new Set(path)) add(whole, place, time)
    }
  }
  const all = [...whole].map(([where, time]) => ({
    where,
    own: (own.get(where) ?? 0) / busy,
    whole: time / busy,
  }))
  return { busy: busy / 1000, shares: all }
}

/** Prints the largest shares of the profiles in a directory. @returns the exit code */
export async function showProfiles(directory: string): Promise<number> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'))
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
  const { busy, shares: all } = shares(texts.map((text) => JSON.parse(text) as Profile))
  console.log(`${names.length} profiles, ${Math.round(busy)} ms of work on the main thread`)
  for (const by of ['own', 'whole'] as const) {
    const top = all.toSorted((a, b) => b[by] - a[by]).slice(0, SHOWN)
    const rows = top.map((one) => [`${(100 * one[by]).toFixed(1)} %`.padStart(7), one.where])
    console.log(`\n${by === 'own' ? 'in it alone' : 'with all that it calls'}\n${columns(rows)}`)
  }
  return names.length > 0 ? 0 : 1
}

function placeOf(frame: Profile['nodes'][number]['callFrame'] | undefined): string {
  if (frame === undefined) return ''
  const file = frame.url.replace(/^.*?\/(?=(src|test|node_modules)\/)/, '')
  const name = frame.functionName || '(anonymous)'
  return file === '' ? name : `${name} ${file}:${frame.lineNumber + 1}`
}

function add(times: Map<string, number>, place: string, time: number): void {
  times.set(place, (times.get(place) ?? 0) + time)
}
