import { createHash } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { jsonPiece } from '../support/random-image.ts'
import { LEASE, openWorld } from './gc-world.ts'
import { SeededRandom } from './random.ts'

/** Manifests that one commit makes. */
const AT_ONCE = 500

/**
 * What a collection costs in a registry of so many manifests, each with a tag, a config and a layer of its own, in
 * repositories of a hundred: `node test/faults/gc-cost.ts 1000 10000 100000`. Prints a line of JSON for each.
 */
export async function main(args: readonly string[]): Promise<number> {
  for (const count of args.map(Number)) console.log(JSON.stringify(await measure(count)))
  return 0
}

async function measure(manifests: number): Promise<object> {
  await using world = await openWorld(new SeededRandom(1), { waits: false })
  const begun = performance.now()
  for (let from = 0; from < manifests; from += AT_ONCE)
    await fill(world.storage, from, Math.min(from + AT_ONCE, manifests))
  const filledMs = Math.round(performance.now() - begun)
  world.pass(2 * LEASE)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const cpu = process.cpuUsage()
  const started = performance.now()
  const report = await world.collector.collect({ dryRun: false })
  const ms = Math.round(performance.now() - started)
  const { user, system } = process.cpuUsage(cpu)
  const { keptBlocks, memoryBytes, blocks } = report
  return {
    manifests,
    filledMs,
    ms,
    cpuMs: Math.round((user + system) / 1000),
    loopMaxMs: Math.round(delay.max / 1e6),
    keptBlocks,
    deletedBlocks: blocks,
    memoryBytes,
    bytesPerBlock: Math.round(memoryBytes / Math.max(1, keptBlocks)),
    rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  }
}

type Storage = Awaited<ReturnType<typeof openWorld>>['storage']

async function fill({ contents, lane }: Storage, from: number, to: number): Promise<void> {
  const images = await Promise.all(
    Array.from({ length: to - from }, async (_, at) => {
      const n = from + at
      const layer = createHash('sha256').update(`layer ${n}`).digest()
      const config = Buffer.from(`{"n":${n}}`)
      const blobs = await Promise.all(
        [config, layer].map((bytes) => contents.write(bytes, digestOf(bytes))),
      )
      const descriptors = blobs.map(({ digest, size }) => ({ digest, size, mediaType: 'a/b' }))
      const manifest = jsonPiece({ schemaVersion: 2, layers: descriptors }, 'a/b')
      return { n, blobs, manifest: await contents.write(manifest.bytes, manifest.digest) }
    }),
  )
  await lane.transact(async (tx) => {
    for (const { n, blobs, manifest } of images) {
      const name = parseName(`r${Math.floor(n / 100)}`)
      for (const blob of blobs) await tx.linkBlob(name, blob)
      await tx.putManifest(name, manifest)
      await tx.setTag(name, parseTag(`t${n}`), manifest.digest)
    }
  })
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
