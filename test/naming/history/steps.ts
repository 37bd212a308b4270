import { CID } from 'multiformats/cid'
import { nameOf } from '../support.ts'
import { attacks } from './attacks.ts'
import type { SimNode } from './node.ts'
import type { StepKind } from './step-kind.ts'
import type { World } from './world.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function up(world: World, of: readonly SimNode[] = world.nodes): SimNode | undefined {
  return world.random.pick(of.filter(({ isUp }) => isUp))
}

function down(world: World): SimNode | undefined {
  return world.random.pick(
    world.nodes.filter(({ isUp, id }) => !isUp && (id !== 'W2' || world.hasTwoWriters)),
  )
}

const NOBODY = 'nobody'

const time: readonly StepKind[] = [
  {
    name: 'a moment passes',
    weight: 24,
    run: async (world) => {
      const milliseconds = world.random.between(1, 3 * SECOND)
      await world.pass(milliseconds)
      return `${milliseconds} ms`
    },
  },
  {
    name: 'a minute passes',
    weight: 8,
    run: async (world) => {
      const milliseconds = world.random.between(10 * SECOND, 2 * MINUTE)
      await world.pass(milliseconds)
      return `${milliseconds / SECOND} s`
    },
  },
  {
    name: 'everybody sleeps for long',
    weight: 1,
    run: async (world) => {
      const days = world.random.between(1, 45)
      world.time.slept += days * DAY
      await world.pass(SECOND)
      return `${days} days`
    },
  },
  {
    name: 'a clock jumps',
    weight: 3,
    run: async (world) => {
      const node = world.any(world.nodes)
      const by = world.any([-3000 * DAY, -400 * DAY, -DAY, -HOUR, HOUR, DAY, 400 * DAY, 3000 * DAY])
      node.clock.skew += by
      return `${node.id} by ${by / DAY} days`
    },
  },
  {
    name: 'a clock is put right',
    weight: 2,
    run: async (world) => {
      const node = world.any(world.nodes)
      node.clock.skew = 0
      return node.id
    },
  },
]

const lives: readonly StepKind[] = [
  {
    name: 'a push',
    weight: 16,
    run: async (world) => {
      const node = up(world, world.writers)
      const root = await world.newRoot()
      node?.push(root)
      return `${node?.id ?? NOBODY} ${root.toString().slice(-6)}`
    },
  },
  {
    name: 'a crash',
    weight: 5,
    run: async (world) => {
      const node = up(world)
      if (node !== undefined) await world.end(node, 'crash')
      return node?.id ?? NOBODY
    },
  },
  {
    name: 'a stop',
    weight: 2,
    run: async (world) => {
      const node = up(world)
      if (node !== undefined) await world.end(node, 'stop')
      return node?.id ?? NOBODY
    },
  },
  {
    name: 'a start',
    weight: 12,
    run: async (world) => {
      const node = down(world)
      if (node !== undefined) await world.start(node)
      return node?.id ?? NOBODY
    },
  },
  {
    name: 'a full disk',
    weight: 2,
    run: async (world) => {
      const node = up(world)
      if (node?.disk !== undefined) node.disk.failures = world.random.between(1, 6)
      return node?.id ?? NOBODY
    },
  },
  {
    name: 'a backup',
    weight: 2,
    run: async (world) => {
      const node = world.any(world.nodes)
      world.backUp(node)
      return node.id
    },
  },
  {
    name: 'an old backup is restored',
    weight: 1.5,
    run: async (world) => {
      const node = world.any(world.nodes)
      const backup = world.backups.get(node.id)
      if (backup !== undefined) await world.replace(node, backup)
      return backup === undefined ? 'there is none' : node.id
    },
  },
  {
    name: 'a key is restored to an empty store',
    weight: 1,
    run: async (world) => {
      const node = world.any(world.nodes)
      await world.replace(node)
      return node.id
    },
  },
  {
    name: 'a second writer begins',
    weight: 2,
    run: async (world) => {
      world.hasTwoWriters = true
      const node = world.node('W2')
      await world.start(node)
      node.push(await world.newRoot())
      return node.id
    },
  },
  {
    name: 'a key is taken over',
    weight: 1,
    run: async (world) => {
      const node = up(world, world.writers)
      const above = node && world.takeOver(node)
      return `${node?.id ?? NOBODY} above ${above ?? 'nothing'}`
    },
  },
  {
    name: 'a writer goes back to a root of the other',
    weight: 2,
    run: async (world) => {
      const [node, other] = world.random.next() < 0.5 ? world.writers : world.writers.toReversed()
      const root = world.random.pick([...(other?.data.journal ?? [])])
      if (node?.isUp !== true || root === undefined) return NOBODY
      // The other may just be told to take over, and finds this when it asks.
      const above = other && world.random.next() < 0.5 ? world.takeOver(other) : undefined
      node.push(CID.parse(root))
      return `${node.id} ${root.slice(-6)}${above === undefined ? '' : ', when told to take over'}`
    },
  },
]

const network: readonly StepKind[] = [
  {
    name: 'a link is cut',
    weight: 5,
    run: async (world) => {
      const [a, b] = [world.any(world.nodes), world.any(world.nodes)]
      world.ether.cut(a.id, b.id)
      return `${a.id} ${b.id}`
    },
  },
  {
    name: 'a link is made',
    weight: 5,
    run: async (world) => {
      const [a, b] = [world.any(world.nodes), world.any(world.nodes)]
      world.ether.link(a.id, b.id)
      return `${a.id} ${b.id}`
    },
  },
  {
    name: 'a node is cut off',
    weight: 2,
    run: async (world) => {
      const node = world.any(world.nodes)
      for (const other of world.nodes) world.ether.cut(node.id, other.id)
      return node.id
    },
  },
  {
    name: 'a storm begins or ends',
    weight: 2,
    run: async (world) => {
      world.ether.isStormy = !world.ether.isStormy
      return String(world.ether.isStormy)
    },
  },
  {
    name: 'blocks cannot be fetched, or can',
    weight: 3,
    run: async (world) => {
      const node = world.any(world.mirrors)
      node.trouble = world.any(['none', 'none', 'hangs', 'fails'] as const)
      return `${node.id} ${node.trouble}`
    },
  },
  {
    name: 'a domain moves, or DNS fails',
    weight: 3,
    run: async (world) => {
      const [there, empty] = [nameOf(world.key).text, world.emptyName]
      const to = world.any([{ name: there }, { name: empty }, { name: empty }, { name: undefined }])
      world.domain = to.name
      return to.name?.slice(-6) ?? 'DNS fails'
    },
  },
  {
    name: 'the links are mended',
    weight: 2,
    run: async (world) => {
      world.join()
      return 'all'
    },
  },
]

/** Everything that happens, but for the calm in between. */
export const STEPS: readonly StepKind[] = [...time, ...lives, ...network, ...attacks]

const TOTAL = STEPS.reduce((sum, { weight }) => sum + weight, 0)

/** One of the kinds, by their weights. */
export function nextStep({ random }: World): StepKind {
  let left = random.next() * TOTAL
  for (const step of STEPS) {
    left -= step.weight
    if (left < 0) return step
  }
  return STEPS[0] as StepKind
}
