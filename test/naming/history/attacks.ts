import { makeRecord, nameOf } from '../support.ts'
import { valueOf } from '../../../src/naming/root-value.ts'
import type { CID } from 'multiformats/cid'
import type { IpnsRecord, RecordContent } from '../../../src/naming/record.ts'
import type { StepKind } from './step-kind.ts'
import type { World } from './world.ts'

const DAY = 86_400_000

/** Sends a record by one of the ways there are: pubsub, an answer to a lookup, the DHT. */
function plant(world: World, bytes: Uint8Array): string {
  const way = world.any(['pubsub', 'lookup', 'dht'] as const)
  if (way === 'pubsub') void world.liar.publish(nameOf(world.key).topic, bytes)
  else if (way === 'lookup') world.liar.serve('', () => Promise.resolve(bytes))
  else {
    world.ether.dht.plant(bytes)
    world.ether.dht.isHonest = false
  }
  return way
}

/** The newest record that went out; its sequence is 0 before there was any. */
function newest({ records }: World): IpnsRecord | undefined {
  return records.toSorted((a, b) => (a.sequence < b.sequence ? -1 : 1)).at(-1)
}

async function evilRoot(world: World): Promise<CID> {
  const root = await world.newRoot()
  world.watch.evil(root)
  return root
}

/** A record that is right in all but what is given. */
async function signed(world: World, content: Partial<RecordContent>): Promise<Uint8Array> {
  const whole = { now: world.time.now, ...content }
  return (await makeRecord(world.key, whole)).bytes
}

/** Somebody lies: a stranger, or the owner of the key. */
export const attacks: readonly StepKind[] = [
  {
    name: 'an old record is replayed',
    weight: 6,
    run: async (world) => {
      const record = world.random.pick(world.records)
      if (record === undefined) return 'there is none'
      return `${record.sequence} by ${plant(world, record.bytes)}`
    },
  },
  {
    name: 'a record is forged',
    weight: 2,
    run: async (world) => {
      const sequence = (newest(world)?.sequence ?? 0n) + BigInt(world.random.between(0, 1000))
      const value = valueOf(await evilRoot(world))
      const { bytes } = await makeRecord(world.stranger, { sequence, value, now: world.time.now })
      return `${sequence} by ${plant(world, bytes)}`
    },
  },
  {
    name: 'junk is sent',
    weight: 2,
    run: async (world) => {
      const record = world.random.pick(world.records)
      const bytes = Uint8Array.from(record?.bytes ?? Buffer.from('junk'))
      const at = world.random.between(0, bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << world.random.between(0, 8))
      return plant(world, bytes)
    },
  },
  {
    name: 'the owner signs two roots with one sequence',
    weight: 0.5,
    run: async (world) => {
      const { sequence } = newest(world) ?? { sequence: 1n }
      const value = valueOf(await world.newRoot())
      return `${sequence} by ${plant(world, await signed(world, { sequence, value }))}`
    },
  },
  {
    name: 'the owner signs nonsense',
    weight: 1,
    run: async (world) => {
      const sequence = (newest(world)?.sequence ?? 0n) + 1n
      const root = await evilRoot(world)
      const what = world.any([
        { value: '/ipns/example.org' },
        { value: `${valueOf(root)}/docker` },
        { value: '/x' },
        { value: valueOf(root), lifetime: 300 * 365 * DAY },
        { value: valueOf(root), lifetime: 1_000, now: world.time.now - 300 * 365 * DAY },
      ])
      return `${sequence} by ${plant(world, await signed(world, { sequence, ...what }))}`
    },
  },
  {
    name: 'the owner signs with a TTL of fifty years',
    weight: 0.3,
    run: async (world) => {
      const sequence = (newest(world)?.sequence ?? 0n) + 1n
      const content = { sequence, value: valueOf(await world.newRoot()), ttl: 50 * 365 * DAY }
      return `${sequence} by ${plant(world, await signed(world, content))}`
    },
  },
  {
    name: 'the liar is silent',
    weight: 3,
    run: async (world) => {
      world.liar.serve('', () => Promise.resolve(undefined))
      world.ether.dht.isHonest = true
      return ''
    },
  },
]
