import { quantile } from '../../network/support/figures.ts'
import { inTurns } from '../in-turns.ts'
import { canPin, pin } from '../load/load-client.ts'
import { LAYER, repositoryAt, seedlingAt, shapeOf, tagAt } from '../seed/shape.ts'
import type { Sample } from '../figures.ts'
import type { Timing } from '../load/protocol.ts'
import type { Scenario } from '../scenario.ts'

const MIB = 2 ** 20
/** Connections that ask at once. */
const CONNECTIONS = 8
const TAGS = 100

function read(method: 'GET' | 'HEAD'): Scenario {
  return {
    id: `manifest-${method.toLowerCase()}`,
    title: `Manifest ${method}, on one processor`,
    how: `${TAGS} images, by tag and by digest in turn, over ${CONNECTIONS} kept connections. The registry has one processor, and our client the other.`,
    goals: {
      requests: [{ ratio: 0.6, than: ['zot'] }],
      p99: [{ ratio: 0.5, than: ['zot'] }],
    },
    disk: () => 100 * MIB,
    async run(stage) {
      const isPinned = await canPin()
      if (isPinned) await stage.load.ask({ do: 'pin', core: 1 })
      const count = stage.quick ? 200 : 20_000
      const paths = Array.from({ length: TAGS }, (_, at) => manifestPath(at))
      const order = { do: 'ask', method, paths, connections: CONNECTIONS } as const
      const outcome = await inTurns(stage, {
        seed: { repositories: 1, tags: TAGS },
        async prepare({ running: { host, pid } }) {
          if (isPinned) await pin(pid, 0)
          await stage.load.ask({ ...order, host, count: Math.ceil(count / 2) })
        },
        turn: async ({ running: { host } }) =>
          requestSamples(await stage.load.ask({ ...order, host, count })),
      })
      const notes = isPinned
        ? []
        : ['Not on one processor: this machine has no taskset, or only one.']
      return { ...outcome, notes }
    },
  }
}

function manifestPath(at: number): string {
  const { image } = seedlingAt(0, at)
  const reference = at % 2 === 0 ? tagAt(at) : image.digest
  return `/v2/${repositoryAt(0)}/manifests/${reference}`
}

export function requestSamples({ ms, each }: Timing): Sample[] {
  return [
    { name: 'requests', unit: 'requests/s', value: each.length / (ms / 1000) },
    { name: 'p50', unit: 'ms', value: quantile(each, 0.5) },
    { name: 'p99', unit: 'ms', value: quantile(each, 0.99) },
  ]
}

/** Manifests that are there when others are put. */
const THERE = 1000

const put: Scenario = {
  id: 'manifest-put',
  title: `Manifest PUT in a registry of ${THERE} manifests`,
  how: 'One after the other over one connection, each under a new tag; config and layer are there.',
  goals: { p50: [{ atMost: 10 }] },
  writes: true,
  disk: () => 200 * MIB,
  async run(stage) {
    const { image } = seedlingAt(0, 0)
    const config = { seed: 0, size: image.config.bytes.length, digest: image.config.digest }
    const layer = { seed: 0, size: LAYER.size, digest: LAYER.digest }
    const repository = repositoryAt(0)
    const count = stage.quick ? 10 : 200
    const order = { do: 'manifests', repository, config, layer } as const
    return inTurns(stage, {
      seed: shapeOf(stage.quick ? 10 : THERE),
      async prepare({ running: { host } }) {
        await stage.load.ask({ ...order, host, seed: 0, count: 10 })
      },
      async turn({ running: { host }, round: seed }) {
        const { each } = await stage.load.ask({ ...order, host, seed, count })
        return [
          { name: 'p50', unit: 'ms', value: quantile(each, 0.5) },
          { name: 'p99', unit: 'ms', value: quantile(each, 0.99) },
        ]
      },
    })
  },
}

export const MANIFESTS: readonly Scenario[] = [read('GET'), read('HEAD'), put]
