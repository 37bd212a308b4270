import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { growHeliport } from '../../bench/seed/heliport.ts'
import { shapeOf } from '../../bench/seed/shape.ts'
import { median } from '../../network/support/figures.ts'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { Peak, heldBy } from '../../support/process-view.ts'
import { randomImage } from '../../support/random-image.ts'
import { temporaryDirectory } from '../../support/temporary.ts'
import { collectOnce } from '../collect-once.ts'
import type { GcReport } from '../../../src/daemon/gc-report.ts'

/** Collections alone, of which the middle one counts. */
const ALONE = 3
/** Some collections of a large registry, in which the leases run out. */
const LEASES_MS = 300_000
/** Pushes before anything is measured: the first ones are slow. */
const WARM_UP = 20

/** What collections cost in a registry of one size. */
export interface Cost {
  readonly manifests: number
  readonly keptBlocks: number
  /** Of one collection alone: from its beginning to its end, and of the processor. */
  readonly ms: number
  readonly cpuMs: number
  /** To know what is live. */
  readonly memoryBytes: number
  /** What the process had more at its worst, of memory of its own. */
  readonly grownBytes: number
  /** What each push took, in ms, while nothing was collected, and while something was. */
  readonly without: readonly number[]
  readonly beside: readonly number[]
}

/** Fills a registry, and measures in a real daemon. */
export async function measureCost(
  manifests: number,
  { seconds, rounds }: { seconds: number; rounds: number },
): Promise<Cost> {
  await using directory = await temporaryDirectory()
  const data = join(directory.path, 'data')
  console.log(`filling a registry with ${manifests} manifests`)
  await growHeliport(data, shapeOf(manifests))
  await using daemon = await DaemonProcess.start({
    data,
    config: {
      gc: { interval: null },
      scrub: { interval: null },
      // Every manifest is looked at then, and what it refers to.
      retention: { lease: '5s', untagged: '30d' },
      log: { level: 'warn' },
    },
  })
  await leasesOver(daemon)
  const alone = []
  for (let n = 0; n < ALONE; n++) alone.push(await collect(daemon))
  const client = new RegistryClient(daemon.url)
  for (let n = 0; n < WARM_UP; n++) await push(client)
  const [without, beside]: number[][] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const end = performance.now() + seconds * 1000
    while (performance.now() < end) without?.push(await push(client))
    beside?.push(...(await pushBeside(daemon, client, seconds)))
  }
  const [{ report }] = alone as [Collection]
  return {
    manifests,
    keptBlocks: report.keptBlocks,
    ms: median(alone.map((one) => one.report.ms)),
    cpuMs: median(alone.map((one) => one.cpuMs)),
    memoryBytes: report.memoryBytes,
    grownBytes: Math.max(...alone.map((one) => one.grownBytes)),
    without: without ?? [],
    beside: beside ?? [],
  }
}

/** One collection after another, for so long; what pushes took that began meanwhile. */
async function pushBeside(
  daemon: DaemonProcess,
  client: RegistryClient,
  seconds: number,
): Promise<number[]> {
  const end = performance.now() + seconds * 1000
  const times: number[] = []
  let isOver = false
  const collecting = (async () => {
    while (performance.now() < end) await collect(daemon)
  })().finally(() => (isOver = true))
  while (!isOver) times.push(await push(client))
  await collecting
  return times
}

/** An image of a config and a layer, in a repository of those that are there. */
async function push(client: RegistryClient): Promise<number> {
  const image = randomImage({ layers: [20_000] })
  const begun = performance.now()
  await client.pushImage('bench/repository-000000', image, { tag: 'latest' })
  return performance.now() - begun
}

/** Of what was there when it started nobody knows the leases: until they are over, the tree is left alone. */
async function leasesOver(daemon: DaemonProcess): Promise<void> {
  const end = performance.now() + LEASES_MS
  while ((await collectAny(daemon)).leasedFor > 0) {
    if (performance.now() > end) throw new Error('leases are not over')
    await pause(1000)
  }
}

interface Collection {
  readonly report: GcReport
  readonly cpuMs: number
  readonly grownBytes: number
}

/** A whole collection: of the tree and of blocks. */
async function collect(daemon: DaemonProcess): Promise<Collection> {
  const held = await heldBy(daemon.pid)
  using peak = new Peak(daemon.pid, held, 50)
  const before = await processorMs(daemon.pid)
  const report = await collectAny(daemon)
  if (report.leasedFor > 0) throw new Error('the tree was left alone')
  const cpuMs = (await processorMs(daemon.pid)) - before
  return { report, cpuMs, grownBytes: peak.most.own - held.own }
}

async function collectAny(daemon: DaemonProcess): Promise<GcReport> {
  const { status, report, text } = await collectOnce(join(daemon.data, 'heliport.sock'))
  if (status !== 200 || report === undefined) throw new Error(`gc: ${status} ${text}`)
  return report
}

/** Processor time that a process has used (Linux). */
async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS
}

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
