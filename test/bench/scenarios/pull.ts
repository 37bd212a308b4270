import { curlBlobs } from '../load/curl.ts'
import { inTurns } from '../in-turns.ts'
import { OTHERS } from '../scenario.ts'
import { findProgram } from '../../tools/find.ts'
import { LOADS, REPOSITORY, blobsOf, bytesOf, nameOf, scaled } from './loads.ts'
import { speed } from './push.ts'
import type { Scenario } from '../scenario.ts'
import type { BlobLoad } from './loads.ts'

function pull(id: string, load: BlobLoad): Scenario {
  return {
    id: `pull-${id}`,
    title: `Pull of ${nameOf(load)}, hot`,
    how: 'By curl into nothing, three at once. Everything was read once before, so that the page cache has it. Heliport checks every block against its CID on the way; the others send the file (`sendfile`) and check nothing.',
    goals: { speed: [{ ratio: 0.6, than: OTHERS }] },
    disk: ({ quick, contenders }) => contenders.length * bytesOf(scaled(load, quick)),
    missing: async () =>
      (await findProgram('curl')) === undefined ? 'curl: apt-get install curl' : undefined,
    async run(stage) {
      const size = scaled(load, stage.quick)
      const blobs = blobsOf(size, 0)
      const { signal } = stage
      return inTurns(stage, {
        async prepare({ running: { host } }) {
          const order = { host, repository: REPOSITORY, blobs, atOnce: 3 }
          await stage.load.ask({ do: 'push', ...order })
          await curlBlobs(host, REPOSITORY, blobs, signal)
        },
        turn: async ({ running: { host } }) => [
          speed(bytesOf(size), await curlBlobs(host, REPOSITORY, blobs, signal)),
        ],
      })
    },
  }
}

export const PULLS: readonly Scenario[] = Object.entries(LOADS).map(([id, load]) => pull(id, load))
