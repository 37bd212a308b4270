import { setTimeout as pause } from 'node:timers/promises'
import { randomBytes } from 'node:crypto'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { writeFigures } from '../support/figures-page.ts'
import { randomImage } from '../support/random-image.ts'
import { median, megabytes, quantile, table } from '../network/support/figures.ts'
import { readOptions } from '../network/support/options.ts'
import { Attack } from './attack.ts'
import { HealthyClient } from './healthy-client.ts'
import { Peak, heldBy } from '../support/process-view.ts'
import type { Held } from '../support/process-view.ts'
import type { SlowState } from './slow-clients.ts'

const ABOUT = `npm run slow-clients -- [--write] [--quick] …

Slow clients (a third trickles headers, a third bodies, a third reads a large blob slowly) beside a healthy one that pulls.
What the healthy one waits is measured without and with them, in turns. It ends with 1 when they are not all gone at the
end, when the daemon's own memory has grown by more than 256 MiB, or is not back two minutes after they have gone; the
figures depend on the machine.`

const NUMBERS = {
  clients: { usual: 2000, quick: 300, what: 'slow clients' },
  seconds: { usual: 20, quick: 4, what: 'seconds of each measurement' },
  settle: {
    usual: 60,
    quick: 3,
    what: 'seconds for their first bytes, which the kernel takes as fast as it can',
  },
  rounds: { usual: 3, quick: 1, what: 'measurements without and with them' },
}

/** What they may cost while they are there, in bytes, and what may be left of it. */
const MAX_GROWTH = 256 * 2 ** 20
const MAX_LEFT = 32 * 2 ** 20
/** An idle daemon gives memory back in steps, the last after 80 s (`daemon/heap.ts`). */
const BACK_MS = 120_000
/** The large blob. */
const LARGE = 64 * 2 ** 20

/** One kind of crowd, and what was seen of it. */
interface Result {
  readonly name: string
  readonly without: number[]
  readonly beside: number[]
  readonly before: Held
  readonly most: Held
  readonly after: Held
  /** What the system held for connections at most, in bytes. */
  readonly tcp: number
  readonly last: SlowState
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args, ABOUT, NUMBERS)
  if (options === undefined) return 0
  const { clients, seconds, settle, rounds } = options.numbers
  const results: Result[] = []
  const crowds: [string, number][] = [
    ['one address', 1],
    ['as many addresses', clients],
  ]
  for (const [name, addresses] of crowds) {
    const plan = { name, clients, addresses, rounds, ms: seconds * 1000, settleMs: settle * 1000 }
    results.push(await play(plan))
  }
  const lines = [...report(results), '']
  console.log(lines.join('\n'))
  const command = ['npm run slow-clients --', ...args.filter((arg) => arg !== '--write')].join(' ')
  if (options.write) await writeFigures('slow-clients', command, lines, 'limits.md')
  for (const { name, before, after } of results.filter(isBad))
    console.error(`${name}: ${JSON.stringify({ before, after })}`)
  const bad = results.filter(isBad)
  console.log(`${results.length - bad.length} passing`)
  if (bad.length > 0) console.log(`${bad.length} failing`)
  return bad.length === 0 ? 0 : 1
}

interface Play {
  readonly name: string
  readonly clients: number
  readonly addresses: number
  readonly rounds: number
  readonly ms: number
  readonly settleMs: number
}

async function play({ name, clients, addresses, rounds, ms, settleMs }: Play): Promise<Result> {
  await using daemon = await DaemonProcess.start({
    config: { limits: { exempt: [] }, log: { level: 'warn' } },
  })
  const client = new RegistryClient(daemon.url)
  const image = randomImage({ layers: [10_000] })
  await client.pushImage('app', image, { tag: 'latest' })
  const blob = await client.pushBlob('slow', randomBytes(LARGE))
  const layer = image.blobs[0]?.digest ?? ''
  const port = Number(daemon.host.split(':')[1])
  using healthy = new HealthyClient(port, ['/v2/app/manifests/latest', `/v2/app/blobs/${layer}`])
  await healthy.measure(1000)
  const before = await heldBy(daemon.pid)
  const seen = { without: [] as number[], beside: [] as number[] }
  using peak = new Peak(daemon.pid, before)
  let last: SlowState | undefined
  for (let round = 0; round < rounds; round++) {
    seen.without.push(...(await healthy.measure(ms)))
    await using attack = new Attack({ port, clients, addresses, blob })
    await attack.ready(clients)
    await pause(settleMs)
    seen.beside.push(...(await healthy.measure(ms)))
    last = attack.state
  }
  const after = await settled(daemon.pid, before)
  return { name, ...seen, before, most: peak.most, after, tcp: peak.tcp, last: last! }
}

/** Waits until what the slow clients held is given back, or has had the time for it. */
async function settled(pid: number, before: Held): Promise<Held> {
  const end = performance.now() + BACK_MS
  for (;;) {
    const now = await heldBy(pid)
    if (isReclaimed(now, before) || performance.now() > end) return now
    await pause(250)
  }
}

/** Some files of the databases come and go. */
function isReclaimed(now: Held, before: Held): boolean {
  return now.files <= before.files + 32 && now.own <= before.own + MAX_LEFT
}

function isBad({ before, most, after }: Result): boolean {
  return !isReclaimed(after, before) || most.own - before.own > MAX_GROWTH
}

function report(results: readonly Result[]): string[] {
  const ms = (value: number): string => `${value.toFixed(1)} ms`
  const rows = results.map((result) => [
    result.name,
    `${ms(median(result.without))} / ${ms(quantile(result.without, 0.99))}`,
    `${ms(median(result.beside))} / ${ms(quantile(result.beside, 0.99))}`,
    (quantile(result.beside, 0.99) / quantile(result.without, 0.99)).toFixed(2),
    [result.before, result.most, result.after].map(({ own }) => megabytes(own)).join(', '),
    megabytes(result.tcp),
    [result.before, result.most, result.after].map(({ files }) => files).join(', '),
    `${result.last.open} open, ${result.last.closed} closed, ${result.last.refused} told`,
    `${(result.last.longestHeaders / 1000).toFixed(1)} s`,
  ])
  const head = [
    'slow clients from',
    'without: median / p99',
    'beside them',
    'p99 ×',
    'own memory: before, most, after',
    'of the system, for connections',
    'open files',
    'slow clients at the end',
    'longest headers',
  ]
  return [table([head, ...rows])]
}

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error('slow-clients: it went wrong:', error)
  process.exitCode = 1
}
