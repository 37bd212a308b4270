import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CLIENTS } from './all.ts'
import { USAGE, parseArguments } from './arguments.ts'
import { EXAMPLES } from './examples/all.ts'
import { exampleSuites } from './examples/example.ts'
import { count, markdown, summary } from './report.ts'
import { runSuite } from './runner.ts'
import { clientSuite } from './suite.ts'
import { startDaemons } from './worlds.ts'
import type { Arguments } from './arguments.ts'
import type { Results, SuiteResult } from './outcome.ts'
import type { Suite } from './suite.ts'

/*
 * `npm run test:clients [-- names…]`: real clients against real daemons, every action of the matrix, and every example
 * of docs/clients.md. Exit code 1 when one of them fails, or a client that is required is not there.
 */

const MATRIX = join(import.meta.dirname, '../../docs/client-matrix.md')

async function main(): Promise<number> {
  const names = CLIENTS.map(({ name }) => name)
  let asked: Arguments
  try {
    asked = parseArguments(process.argv.slice(2), names)
  } catch (error) {
    console.error(
      `test:clients: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`,
    )
    return 1
  }
  const results = await runAll(asked, stopSignal())
  const ran = results.clients.filter(({ skipped }) => skipped === undefined)
  const missing = asked.required.filter((required) => ran.every(({ name }) => name !== required))
  console.log(summary(results, missing))
  const failed = missing.length > 0 || count(results, 'failed') > 0
  if (asked.write) return (await write(results, failed)) ? 0 : 1
  return failed ? 1 : 0
}

async function runAll(asked: Arguments, signal: AbortSignal): Promise<Results> {
  const began = performance.now()
  await using cleanUp = new AsyncDisposableStack()
  const daemons = await startDaemons(cleanUp, { signal, tls: asked.tls })
  const { host, other, mirror } = daemons.hosts
  console.log(`daemons: ${host}, ${other}; a mirror of the first: ${mirror}`)
  const wanted = CLIENTS.filter(
    ({ name }) => asked.names.length === 0 || asked.names.includes(name),
  )
  const run = async (suites: readonly Suite[]): Promise<SuiteResult[]> => {
    const results: SuiteResult[] = []
    for (const suite of suites)
      results.push(await runSuite(suite, { daemons, tell: (line) => console.log(line), signal }))
    return results
  }
  const clients = await run(wanted.map((client) => clientSuite(client, asked)))
  // They show how it is done without.
  const documented = asked.tls ? new Map<string, Suite>() : await exampleSuites(EXAMPLES)
  const examples = await run(wanted.flatMap(({ name }) => documented.get(name) ?? []))
  return { clients, examples, took: (performance.now() - began) / 1000 }
}

/** Only a run in which everything worked is written down. */
async function write(results: Results, failed: boolean): Promise<boolean> {
  const all = results.clients.every(({ skipped }) => skipped === undefined)
  if (failed || !all) {
    console.error('test:clients: not everything was run, or worked: docs/client-matrix.md is left')
    return false
  }
  await writeFile(MATRIX, markdown(results, new Date().toISOString().slice(0, 10)))
  return true
}

/** Ctrl-C ends what is under way and stops everything; a second one leaves at once, and still kills what we started. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(130)
      process.exitCode = 130
      stop.abort(new Error(`stopped by ${name}`))
    })
  return stop.signal
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error('test:clients:', error)
  process.exitCode = process.exitCode === 130 ? 130 : 1
}
