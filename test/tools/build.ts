import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { run } from '../e2e/support/command.ts'
import { linkerFlags } from './build-info.ts'
import { toolDirectory } from './find.ts'
import type { CommandOptions } from '../e2e/support/command.ts'
import type { ToolSource } from './catalog.ts'

/** The largest of them takes two minutes on two cores, when nothing of it was built before. */
const BUILD_TIME = 15 * 60_000

/** What a build needs. */
export interface Build {
  /** What the program is to be called. */
  readonly name: string
  readonly source: ToolSource & { readonly go: string }
  /** The Go command. */
  readonly go: string
  readonly signal: AbortSignal
}

/**
 * Builds one Go program into the tool directory; it is there whole or not at all.
 *
 * @throws with what Go said, when it could not be had or built
 */
export async function buildTool(build: Build): Promise<void> {
  const directory = toolDirectory()
  await mkdir(directory, { recursive: true })
  const result = await mkdtemp(join(directory, '.building-'))
  const source = await mkdtemp(join(tmpdir(), 'heliport-tool-'))
  try {
    const program = await compile(build, source, result)
    await rename(program, join(directory, build.name))
  } finally {
    await rm(result, { recursive: true, force: true })
    await rm(source, { recursive: true, force: true })
  }
}

async function compile(build: Build, source: string, result: string): Promise<string> {
  if (build.source.build !== 'test') {
    try {
      return await install(build, result)
    } catch (error) {
      if (build.signal.aborted) throw error
      // `go install` also wants the list of a module's versions (for deprecations), and a proxy may not have that.
      // If the module itself cannot be had either, the next says so.
    }
  }
  const module = await download(build, source)
  return compileIn(module, build, result)
}

/** By `go install`. */
async function install(build: Build, result: string): Promise<string> {
  const { go, source } = build
  await run(go, ['install', linkerFlags(source), source.go], options(build, { GOBIN: result }))
  return join(result, basename(packageOf(source.go)))
}

/** A copy of the module that can be built in; what the module cache has is read-only, and has no package of a main module. */
async function download(build: Build, to: string): Promise<string> {
  const [path = '', version] = build.source.go.split('@')
  // The module is the package or above it; `cmd/<name>` is how all of the catalog are laid out.
  const module = path.replace(/\/cmd\/[^/]+$/, '')
  const args = ['mod', 'download', '-json', `${module}@${version}`]
  const { Dir: cached } = JSON.parse(await run(build.go, args, options(build))) as { Dir: string }
  await cp(cached, to, { recursive: true })
  await run('chmod', ['-R', 'u+w', to], options(build))
  return to
}

async function compileIn(module: string, build: Build, result: string): Promise<string> {
  const { name, source } = build
  const program = join(result, name)
  const how = source.build === 'test' ? ['test', '-c'] : ['build']
  // The sources are no checkout: Go must not look for one around them.
  const flags = ['-buildvcs=false', linkerFlags(source), '-o', program]
  const what = /\/cmd\/[^/]+$/.exec(packageOf(source.go))?.[0] ?? ''
  await run(build.go, [...how, ...flags, `.${what}`], { ...options(build), cwd: module })
  return program
}

function options({ source, signal }: Build, env: Record<string, string> = {}): CommandOptions {
  return { env: { ...source.env, ...env }, timeout: BUILD_TIME, signal }
}

function packageOf(go: string): string {
  return go.slice(0, go.indexOf('@'))
}
