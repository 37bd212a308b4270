import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { noise } from '../e2e/support/transfer.ts'
import { writeFigures } from '../support/figures-page.ts'
import { bitswap } from './cold-pull/bitswap.ts'
import { heliport } from './cold-pull/heliport.ts'
import { kubo } from './cold-pull/kubo.ts'
import { stream } from './cold-pull/stream.ts'
import { MIB, median, megabytes, table } from './support/figures.ts'
import { readOptions } from './support/options.ts'
import type { Contender, Load, Pull } from './cold-pull/contender.ts'

const ABOUT = `npm run network -- cold-pull: a large blob through a mirror that has nothing of it, beside others

The same bytes between two processes on loopback, in turns: through a mirror, which checks it, to an HTTP client;
by bitswap between two plain Helias; over one bare libp2p stream; by \`ipfs get\` between two Kubo nodes, where there is an
ipfs. Receivers are new in every round. Data are below TMPDIR.`

type Name = 'mirror' | 'bitswap' | 'stream' | 'kubo'

interface Entry {
  readonly title: string
  /** Gives `undefined` where this machine lacks what it needs. */
  readonly open: (load: Load) => Promise<Contender | undefined>
  /** How the mirror should be beside it. */
  readonly wanted: string
}

const CONTENDERS: Readonly<Record<Name, Entry>> = {
  mirror: { title: 'Heliport: HTTP through a mirror', open: heliport, wanted: '' },
  bitswap: { title: 'plain Helia: bitswap', open: bitswap, wanted: 'at least 3' },
  stream: {
    title: 'one bare libp2p stream (TCP, TLS, yamux)',
    open: stream,
    wanted: 'at least 0.6',
  },
  kubo: { title: 'Kubo: ipfs get', open: kubo, wanted: 'goal: 1' },
}

/** What either end of the mirror may have in memory, in bytes. */
const MEMORY_LIMIT = 450e6

/** Directories that hold the blob at the same time. */
const COPIES = 6

export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args, ABOUT, {
    mib: { usual: 1024, quick: 16, what: 'MiB of the blob' },
    rounds: { usual: 5, quick: 1, what: 'rounds' },
  })
  if (options === undefined) return 0
  const { mib, rounds } = options.numbers
  const { bavail, bsize } = await statfs(tmpdir())
  if (bavail * bsize < COPIES * mib * MIB) {
    console.error(`network: less than ${COPIES * mib} MiB are free in ${tmpdir()}`)
    return 2
  }
  const pulls = await measure(mib, rounds)
  const text = report(pulls, mib)
  console.log(`\n${text}\n\n  ${[...pulls.values()].flat().length} passing`)
  if (options.write) await writeFigures('cold-pull', 'npm run network -- cold-pull --write', [text])
  return 0
}

type Pulls = ReadonlyMap<Name, readonly Pull[]>

/** All contenders in turns, so that what else the machine does is the same for all. */
async function measure(mib: number, rounds: number): Promise<Pulls> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'heliport-network-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const load = { file: join(directory, 'blob'), bytes: mib * MIB, directory }
  await pipeline(noise(load.bytes), createWriteStream(load.file))
  const pulls = new Map<Name, Pull[]>()
  const contenders: [Name, Contender][] = []
  for (const name of ['mirror', 'bitswap', 'stream', 'kubo'] as const) {
    const { title, open } = CONTENDERS[name]
    console.log(`${title}: giving the source its ${mib} MiB`)
    const contender = stack.use(await open(load))
    pulls.set(name, [])
    if (contender === undefined) console.log(`${title}: not on this machine`)
    else contenders.push([name, contender])
  }
  for (let round = 1; round <= rounds; round++) {
    for (const [name, contender] of contenders) {
      const pull = await contender.pull()
      pulls.get(name)?.push(pull)
      const speed = rate(pull, mib).toFixed(0)
      console.log(`round ${round} of ${rounds}: ${CONTENDERS[name].title}: ${speed} MiB/s`)
    }
  }
  return pulls
}

function report(pulls: Pulls, mib: number): string {
  const speeds = new Map([...pulls].map(([name, all]) => [name, all.map((one) => rate(one, mib))]))
  const middle = (name: Name): number => median(speeds.get(name) ?? [])
  const rows = [...speeds].map(([name, all]) => {
    const { title, wanted } = CONTENDERS[name]
    if (all.length === 0) return [title, 'not on this machine', '', '', wanted]
    const ratio = name === 'mirror' ? '' : (middle('mirror') / middle(name)).toFixed(2)
    const each = all.map((speed) => speed.toFixed(0)).join(', ')
    return [title, middle(name).toFixed(0), each, ratio, wanted]
  })
  const head = [`${mib} MiB`, 'MiB/s, median', 'each round', 'the mirror is times', 'wanted']
  return [table([head, ...rows]), '', memory(pulls.get('mirror') ?? [])].join('\n')
}

function memory(pulls: readonly Pull[]): string {
  const peaks = pulls.flatMap(({ peaks: of }) => of ?? [])
  const most = (end: 'source' | 'receiver'): string =>
    megabytes(Math.max(...peaks.map((peak) => peak[end])))
  return `Memory at most: source ${most('source')}, mirror ${most('receiver')} (wanted: under ${megabytes(MEMORY_LIMIT)}).`
}

function rate({ ms }: Pull, mib: number): number {
  return mib / (ms / 1000)
}
