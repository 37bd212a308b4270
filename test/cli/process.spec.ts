import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { scratch } from './support.ts'
import type { ChildProcess } from 'node:child_process'

const main = join(import.meta.dirname, '../../src/main.ts')

const running = new Set<ChildProcess>()

// A test that fails must not leave its process behind.
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
})

/** Runs `src/main.ts` in a process of its own, with hooks on what it imports. */
function start(args: string[], hooks: string) {
  const source = `import { registerHooks } from 'node:module'; import { writeSync } from 'node:fs'; ${hooks}`
  const hooked = `--import=data:text/javascript,${encodeURIComponent(source)}`
  const child = spawn(process.execPath, [hooked, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  return { child, closed: once(child, 'close') }
}

async function finish({ child, closed }: ReturnType<typeof start>) {
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null]
  return { code, signal, stdout, stderr }
}

/** Puts other code in the place of the daemon. */
function withDaemon(code: string): string {
  const url = `data:text/javascript,${encodeURIComponent(code)}`
  return `registerHooks({ resolve: (specifier, context, next) =>
    specifier === './daemon.ts' ? { url: ${JSON.stringify(url)}, shortCircuit: true } : next(specifier, context) })`
}

/** A daemon that says what happens to it, and takes the signal as `onAbort` says. */
function daemon(onAbort: string, atStart = ''): string {
  return withDaemon(`export async function startDaemon(config, { signal, log, pid }) {
    const closed = Promise.withResolvers()
    const alive = setInterval(() => {}, 1000)
    signal.addEventListener('abort', () => { log.write('aborted\\n'); ${onAbort} })
    log.write('pid ' + pid + '\\n')
    ${atStart}
    return { closed: closed.promise, [Symbol.asyncDispose]: async () => { log.write('disposed\\n'); await closed.promise } }
  }`)
}

describe('the process', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`stops cleanly on ${signal}, and exits with 0`, async () => {
      const run = start(['serve'], daemon('clearInterval(alive); closed.resolve()'))
      run.child.stdout.once('data', () => run.child.kill(signal))
      const { code, stdout, stderr } = await finish(run)
      assert.deepEqual([code, stderr], [0, ''])
      assert.equal(stdout, `pid ${run.child.pid}\naborted\ndisposed\n`)
    })
  }

  it('takes one key press that arrives twice for one, and a later signal for impatience', async () => {
    // The daemon never stops by itself; it tells when the time is over in which a signal counts as the same one.
    const run = start(['serve'], daemon("setTimeout(() => log.write('later\\n'), 400)"))
    let output = ''
    run.child.stdout.on('data', (chunk: Buffer) => {
      output += String(chunk)
      if (output.endsWith(`pid ${run.child.pid}\n`)) {
        run.child.kill('SIGINT')
        run.child.kill('SIGINT')
      }
      if (output.endsWith('later\n')) run.child.kill('SIGINT')
    })
    const [code] = (await run.closed) as [number]
    assert.equal(code, 130)
    assert.equal(output, `pid ${run.child.pid}\naborted\ndisposed\nlater\n`)
  })

  const defects: [string, string][] = [
    [
      'an exception',
      "setImmediate(() => { throw new Error('boom', { cause: new Error('deep') }) })",
    ],
    ['a rejection', "Promise.reject(new Error('boom', { cause: new Error('deep') }))"],
  ]
  for (const [what, code] of defects) {
    it(`ends with 70 on ${what} that nobody handles, and says what it was and why`, async () => {
      const fake = `export async function startDaemon() { ${code}; setInterval(() => {}, 1000); return new Promise(() => {}) }`
      const outcome = await finish(start(['serve'], withDaemon(fake)))
      assert.equal(outcome.code, 70)
      assert.match(
        outcome.stderr,
        /^heliport: fatal, please report this: Error: boom\n[^]*caused by: Error: deep\n/,
      )
    })
  }

  it('ends with 70 when the daemon fails in a way that is no fault of the user', async () => {
    const fake = "export async function startDaemon() { throw new TypeError('x is undefined') }"
    const { code, stderr } = await finish(start(['serve'], withDaemon(fake)))
    assert.equal(code, 70)
    assert.match(stderr, /TypeError: x is undefined\n {4}at \w+\.startDaemon/)
  })

  it('leaves soon after its work is done, even when something was left open, and names it', async () => {
    const server = "void (await import('node:net')).createServer().listen(0, '127.0.0.1')"
    const run = start(['serve'], daemon('closed.resolve()', server))
    run.child.stdout.once('data', () => run.child.kill('SIGTERM'))
    const { code, stderr } = await finish(run)
    assert.equal(code, 0)
    assert.match(stderr, /^heliport: left open: .*TCPServerWrap/)
  })

  it('does not name what is about to run anyway', async () => {
    const busy = 'const again = () => void setImmediate(again); again()'
    const run = start(['serve'], daemon('clearInterval(alive); closed.resolve()', busy))
    run.child.stdout.once('data', () => run.child.kill('SIGTERM'))
    const { code, stderr } = await finish(run)
    assert.deepEqual([code, stderr], [0, ''])
  })

  it('stops when nobody reads its output any more', async () => {
    const chatter = "setInterval(() => log.write('x'.repeat(9999) + '\\n'), 5).unref()"
    const run = start(['serve'], daemon('clearInterval(alive); closed.resolve()', chatter))
    run.child.stdout.once('data', () => run.child.stdout.destroy())
    const [code] = (await run.closed) as [number]
    assert.equal(code, 0)
  })

  it('exits with 78 and the lines of the error when the configuration is wrong', async () => {
    await using directory = await scratch()
    const file = join(directory.path, 'c.yaml')
    await writeFile(file, 'htpp: 1\n')
    const { code, stdout, stderr } = await finish(start(['serve', file], ''))
    assert.deepEqual([code, stdout], [78, ''])
    assert.equal(stderr, `heliport: ${file}:1:1 htpp: is not an option: did you mean http?\n`)
  })
})

describe('what a command loads', () => {
  /** Prints every package that is imported. */
  const hooks = `registerHooks({ resolve: (specifier, context, next) => {
    if (/^[@a-z]/.test(specifier) && !/^(node|file|data):/.test(specifier)) writeSync(1, 'import ' + specifier + '\\n')
    return next(specifier, context) } })`

  async function packages(args: string[]): Promise<string[]> {
    const { stdout } = await finish(start(args, hooks))
    return [...stdout.matchAll(/^import (\S+)$/gm)].map(([, name]) => name ?? '')
  }

  it('is no package at all for help, version and mistakes', async () => {
    for (const args of [['help'], ['--version'], ['nonsense'], []])
      assert.deepEqual(await packages(args), [])
  })

  it('is what reads the configuration, and never Helia, libp2p or Koa, for a command to the daemon', async () => {
    await using data = await scratch()
    const loaded = await packages(['status', '--data', data.path])
    assert.ok(loaded.includes('zod'), 'the hook sees nothing')
    const heavy = loaded.filter((name) =>
      /^(@?helia|@?libp2p|koa|@koa|classic-level|datastore|pino)/.test(name),
    )
    assert.deepEqual(heavy, [])
  })
})
