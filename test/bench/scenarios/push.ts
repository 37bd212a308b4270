import { inTurns } from '../in-turns.ts'
import { OTHERS } from '../scenario.ts'
import { LOADS, REPOSITORY, blobsOf, bytesOf, nameOf, scaled } from './loads.ts'
import type { Sample } from '../figures.ts'
import type { Scenario } from '../scenario.ts'
import type { BlobLoad } from './loads.ts'

/** As many as Docker pushes at once. */
const AT_ONCE = 5

function push(id: string, load: BlobLoad): Scenario {
  return {
    id: `push-${id}`,
    title: `Push of ${nameOf(load)}`,
    how: `By our own client, in a process of its own, from memory: POST, one PATCH, PUT; ${Math.min(AT_ONCE, load.count)} at once. A new registry in each round.`,
    goals: { speed: [{ ratio: 1, than: OTHERS }] },
    writes: true,
    disk: ({ quick, contenders }) => contenders.length * bytesOf(scaled(load, quick)),
    async run(stage) {
      const size = scaled(load, stage.quick)
      return inTurns(stage, {
        fresh: true,
        async turn({ running: { host }, round }) {
          const blobs = blobsOf(size, round)
          const order = {
            do: 'push',
            host,
            repository: REPOSITORY,
            blobs,
            atOnce: AT_ONCE,
          } as const
          const { ms } = await stage.load.ask(order)
          return [speed(bytesOf(size), ms)]
        },
      })
    },
  }
}

export function speed(bytes: number, ms: number): Sample {
  return { name: 'speed', unit: 'MiB/s', value: bytes / 2 ** 20 / (ms / 1000) }
}

const LAYERS = 20

/** An image as it is pushed by Docker. */
const image: Scenario = {
  id: 'push-image',
  title: `Push of an image of ${LAYERS} layers of 4 MiB`,
  how: 'By our own client: for each layer HEAD, POST, PATCH, PUT, five at once; then config and manifest. A new registry in each round.',
  goals: { time: [{ ratio: 1, than: OTHERS }] },
  writes: true,
  disk: ({ contenders }) => contenders.length * bytesOf({ count: LAYERS, mib: 4 }),
  async run(stage) {
    const size = { count: LAYERS, mib: stage.quick ? 1 : 4 }
    return inTurns(stage, {
      fresh: true,
      async turn({ running: { host }, round }) {
        const blobs = blobsOf(size, round, true)
        const order = { host, repository: 'bench/image', blobs, atOnce: AT_ONCE }
        const { ms } = await stage.load.ask({ do: 'image', tag: 'v1', ...order })
        return [{ name: 'time', unit: 'ms', value: ms }]
      },
    })
  },
}

export const PUSHES: readonly Scenario[] = [
  ...Object.entries(LOADS).map(([id, load]) => push(id, load)),
  image,
]
