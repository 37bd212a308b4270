import { nameOf } from '../support.ts'
import { Violation } from './watch.ts'
import type { SimNode } from './node.ts'
import type { World } from './world.ts'

/** Long enough for every pause there is: polls, retries with growing pauses, checks of the clock. Milliseconds. */
const LONG_ENOUGH = 11 * 60_000
/** Lookups of a writer in that time: it asks every peer three times, and they come and go. */
const MAX_LOOKUPS = 200

/** All is well again: what must then come true by itself, does it? */
export async function calm(world: World): Promise<void> {
  await world.heal()
  const before = new Map(world.writers.map((node) => [node, node.lookups]))
  await world.pass(LONG_ENOUGH)
  for (const [node, lookups] of before)
    if (node.lookups - lookups > MAX_LOOKUPS)
      throw new Violation(`${node.id} asks again and again: ${node.lookups - lookups} times`)
  checkWriters(world)
  checkMirrors(world)
  await oneWriterGoesOn(world)
  world.watch.checks++
}

/** Of two writers who publish different roots one has stopped, and says so. */
function checkWriters({ writers }: World): void {
  const active = writers.filter(
    ({ publisher, data }) =>
      data.lane !== undefined &&
      publisher !== undefined &&
      publisher.status().conflict === undefined,
  )
  const roots = new Set(active.map(({ data }) => data.lane?.toString()))
  if (roots.size > 1)
    throw new Violation(
      `${active.map(describe).join(' and ')} both publish, and neither has met the other`,
    )
  for (const node of active) {
    const { pending, error } = node.publisher?.status() ?? {}
    if (pending === true || error !== undefined)
      throw new Violation(`${node.id} does not publish: ${error ?? 'nobody knows why'}`)
  }
}

/** Every mirror knows the newest record that anybody holds, and serves its root if anybody has it. */
function checkMirrors(world: World): void {
  const name = nameOf(world.key)
  const held = world.nodes
    .flatMap(({ exchange }) => exchange?.held(name) ?? [])
    .filter(({ validUntil }) => validUntil > world.time.now)
    .toSorted((a, b) => (a.sequence < b.sequence ? -1 : 1))
  const newest = held.at(-1)
  if (newest === undefined) return
  for (const mirror of world.mirrors) {
    const { state, sequence, error } = mirror.mirror?.status() ?? {}
    const isThere = sequence !== undefined && BigInt(sequence) >= newest.sequence
    const cannot = error !== undefined || state === 'advancing'
    if (!isThere && !cannot)
      throw new Violation(
        `${mirror.id} serves ${sequence ?? 'nothing'} and is content, while ${newest.sequence} is there`,
      )
  }
}

/** The operator ends one of the two writers, and takes over where there was a conflict: then all must follow. */
async function oneWriterGoesOn(world: World): Promise<void> {
  const writer = world.any(world.writers.filter(({ isUp }) => isUp))
  for (const other of world.writers)
    if (other !== writer && other.isUp) await world.end(other, 'stop')
  world.hasTwoWriters = writer.id === 'W2'
  world.takeOver(writer)
  if (await everybodyFollows(world, writer)) return
  // An old backup may use a sequence again that only a mirror knows whose record has expired: the first root under it
  // stays there, and the mirror says so, until the next one.
  await everybodyFollows(world, writer, true)
}

/** Pushes; whether every mirror has followed, or all but those that have another root under the same sequence. */
async function everybodyFollows(world: World, writer: SimNode, isLast = false): Promise<boolean> {
  const root = await world.newRoot()
  writer.push(root)
  await world.pass(LONG_ENOUGH)
  const { pending, error, sequence } = writer.publisher?.status() ?? {}
  if (pending !== false || error !== undefined)
    throw new Violation(`${describe(writer)} does not publish: ${error ?? 'nobody knows why'}`)
  let all = true
  for (const mirror of world.mirrors) {
    const status = mirror.mirror?.status()
    if (status?.root === root.toString()) continue
    all = false
    if (!isLast && status?.sequence === sequence && /two records/.test(status?.error ?? ''))
      continue
    throw new Violation(
      `${mirror.id} serves ${status?.sequence ?? 'nothing'} (${status?.state}, ${status?.error}) ` +
        `and does not follow ${describe(writer)}, who published ${sequence}`,
    )
  }
  return all
}

function describe(node: SimNode): string {
  const { sequence, root, conflict } = node.publisher?.status() ?? {}
  return `${node.id} (${sequence}, ${root?.slice(-6)}${conflict === undefined ? '' : ', in conflict'})`
}
