import { parseArgs } from 'node:util'
import { columns } from '../../tools/table.ts'
import { runSuite } from '../runner.ts'
import { startDoors } from './doors.ts'
import { containerd, docker, podman } from './engines.ts'
import { accessSuite } from './steps.ts'
import { crane, oras, skopeo } from './tools.ts'
import type { SuiteResult } from '../outcome.ts'
import type { Visitor } from './visitor.ts'

/*
 * `npm run test:access [-- names…]`: real clients log in, push, pull, and are refused as they should be, in every mode of
 * `auth`, and over TLS. Exit code 1 when something fails, or a client is not there.
 */

const VISITORS: readonly Visitor[] = [docker, containerd, podman, skopeo, oras, crane]

const SHOWN = { done: 'yes', cannot: '-', failed: 'NO' } as const

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => stop.abort(new Error(`stopped by ${name}`)))

const { positionals } = parseArgs({ args: process.argv.slice(2), allowPositionals: true })
const wanted = VISITORS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const began = performance.now()
const results = await visitAll()
const kinds = results.flatMap(({ outcomes }) => [...outcomes.values()].map(({ kind }) => kind))
console.log(`\n${table(results)}`)
const missing = results.filter(({ skipped }) => skipped !== undefined).length
const failing = kinds.filter((kind) => kind === 'failed').length + missing
const took = Math.round((performance.now() - began) / 1000)
// As mocha's: who runs several suites counts these lines.
console.log(`\n  ${kinds.filter((kind) => kind === 'done').length} passing (${took}s)`)
if (failing > 0) console.log(`  ${failing} failing`)
process.exitCode = results.length > 0 && failing === 0 ? 0 : 1

async function visitAll(): Promise<SuiteResult[]> {
  await using stack = new AsyncDisposableStack()
  const doors = await startDoors(stack)
  const [first = ''] = doors.map(({ host }) => host)
  const hosts = { host: first, other: first, mirror: first }
  const daemons = { hosts, complaints: () => [] }
  const tell = (line: string) => console.log(line)
  const all: SuiteResult[] = []
  for (const visitor of wanted)
    all.push(await runSuite(accessSuite(visitor, doors), { daemons, tell, signal: stop.signal }))
  return all
}

function table(all: readonly SuiteResult[]): string {
  const steps = [...new Set(all.flatMap(({ outcomes }) => [...outcomes.keys()]))]
  const head = ['', ...all.map(({ name, version }) => `${name} ${version}`)]
  const rows = steps.map((step) => [
    step,
    ...all.map(({ outcomes }) => SHOWN[outcomes.get(step)?.kind ?? 'failed']),
  ])
  return columns([head, ...rows])
}
