import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { growHeliport } from '../bench/seed/heliport.ts'
import { shapeOf } from '../bench/seed/shape.ts'
import { Checker } from '../../src/daemon/checker.ts'
import { dataDirectory } from '../../src/daemon/data-directory.ts'
import { LostEnd } from '../../src/daemon/regain.ts'
import { openStorage } from '../../src/daemon/storage.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { temporaryDirectory } from '../support/temporary.ts'

/** MiB of one large blob, besides. */
const BLOB_MIB = 256

/**
 * What `heliport fsck` costs in a registry of so many manifests, with a blob of 256 MiB:
 * `node test/faults/fsck-cost.ts 1000 10000 100000`. Prints a line of JSON for each, first without rests, as without a
 * daemon, then with a share of one half, as with one.
 */
export async function main(args: readonly string[]): Promise<number> {
  for (const count of args.map(Number)) {
    await using directory = await temporaryDirectory()
    const data = join(directory.path, 'data')
    await growHeliport(data, shapeOf(count))
    for (const share of [1, 0.5]) console.log(JSON.stringify(await measure(data, share)))
  }
  return 0
}

async function measure(data: string, share: number): Promise<object> {
  const directory = dataDirectory(data)
  await using storage = await openStorage(directory, () => Promise.resolve())
  const blob = randomBytes(BLOB_MIB * 2 ** 20)
  const stored = await storage.contents.write(blob, digestOf(blob))
  await storage.lane.transact((tx) => tx.linkBlob(parseName('large'), stored))
  const now = Date.now
  const end = new LostEnd({ directory, storage, datastore: undefined, now })
  await using checker = new Checker({ storage, end, isOnline: false, share, now })
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const cpu = process.cpuUsage()
  const { ms, checked, damaged } = await checker.check({ repair: false })
  const { user, system } = process.cpuUsage(cpu)
  return {
    share,
    ms,
    cpuMs: Math.round((user + system) / 1000),
    loopMaxMs: Math.round(delay.max / 1e6),
    loopP99Ms: Math.round(delay.percentile(99) / 1e6),
    ...checked,
    damaged,
    rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
