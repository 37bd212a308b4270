import { parseArgs } from 'node:util'
import { shortVersion } from './build-info.ts'
import { buildTool } from './build.ts'
import { TOOLS, howToGet } from './catalog.ts'
import { findTool, toolDirectory } from './find.ts'
import { isBuilt, toolState } from './state.ts'
import { columns } from './table.ts'
import type { ToolName, ToolSource } from './catalog.ts'
import type { ToolState } from './state.ts'

/*
 * `npm run tools`: builds the Go programs of the catalog that are not here yet, and says how the others can be had.
 * `npm run tools -- crane regctl` only those. One that fails stops no other. Ends with 1 when something that was asked for by name is missing.
 */

/** A build says that it still works this often, in milliseconds. */
const STILL = 20_000

const NO_GO = 'Go is not here: https://go.dev/dl (1.25 or newer)'

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true })
  const unknown = positionals.filter((name) => !isTool(name))
  for (const name of unknown) console.error(`tools: nothing is called ${name}`)
  if (unknown.length > 0) return 1
  const asked = positionals.filter(isTool)
  const names = asked.length > 0 ? asked : Object.keys(TOOLS).filter(isTool)

  const go = await findTool('go')
  const failed = new Map<ToolName, string>()
  // One after the other: a Go build by itself takes all cores there are.
  for (const name of names) {
    signal.throwIfAborted()
    const why = await bring(name, go, signal)
    if (why !== undefined) failed.set(name, why)
  }
  const states = await Promise.all(names.map((name) => toolState(name, go)))
  const rows = names.map((name, at) => row(name, states[at]))
  console.log(`\n${columns(rows)}\n\nthe tool directory is ${toolDirectory()}`)
  const missing = names.filter((_, at) => !isUsable(states[at]))
  for (const name of missing) {
    const why = failed.get(name)
    console.log(
      `missing: ${name}${why === undefined ? '' : `, because ${why}`}\n  ${howToGet(name)}`,
    )
  }
  console.log(`${names.length - missing.length} of ${names.length} are here`)
  return missing.some((name) => asked.includes(name)) ? 1 : 0
}

/** Builds a tool if it has to. @returns why that was not possible */
async function bring(
  name: ToolName,
  go: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const source: ToolSource = TOOLS[name]
  if (source.go === undefined || source.elsewhere !== undefined) return undefined
  if (await isBuilt(name, go)) return undefined
  if (go === undefined) return NO_GO
  const began = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - began) / 1000)} s`
  console.log(`${name}: building ${shortVersion(source.go)} from ${source.go}`)
  const still = setInterval(() => console.log(`${name}: still building, ${seconds()}`), STILL)
  try {
    await buildTool({ name, source: { ...source, go: source.go }, go, signal })
    console.log(`${name}: built in ${seconds()}`)
    return undefined
  } catch (error) {
    if (!(error instanceof Error) || signal.aborted) throw error
    console.error(`${name}: not built, after ${seconds()}\n${error.message}`)
    return reason(error.message)
  } finally {
    clearInterval(still)
  }
}

function row(name: ToolName, state: ToolState = { is: 'missing' }): string[] {
  const { go, debian }: ToolSource = TOOLS[name]
  const version = go === undefined ? `Debian's ${debian}` : shortVersion(go)
  if (state.is === 'missing') return [name, version, 'MISSING']
  if (state.is === 'right') return [name, version, 'here', state.path]
  if (state.is === 'unchecked')
    return [name, version, 'here', `${state.path}, whose version only Go can tell`]
  return [name, version, 'OTHER', `${state.path} is ${state.what}`]
}

/** What Go gives as the cause, or the last line of what a command said. */
function reason(message: string): string {
  const json = /^\s*"Error": (".*")$/m.exec(message)?.[1]
  const text = json === undefined ? message : String(JSON.parse(json))
  const lines = text.split('\n').map((line) => line.trim())
  return json === undefined ? (lines.findLast((line) => line !== '') ?? '') : lines.join(' ')
}

function isUsable(state: ToolState | undefined): boolean {
  return state?.is === 'right' || state?.is === 'unchecked'
}

function isTool(name: string): name is ToolName {
  return Object.hasOwn(TOOLS, name)
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
try {
  process.exitCode = await main(process.argv.slice(2), stop.signal)
} catch (error) {
  if (!stop.signal.aborted) throw error
  console.error(`tools: ${String(stop.signal.reason)}`)
  process.exitCode = 130
}
