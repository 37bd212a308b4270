import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { EXIT } from './cli/io.ts'
import { run } from './cli/run.ts'
import type { CommandIO } from './cli/io.ts'

/*
 * The process: arguments, streams, signals and the exit code. Nothing else in the program knows that there is one.
 * Everything heavy is behind `run`, which imports what a command needs when it is called.
 */

/**
 * A terminal sends Ctrl-C to the launcher and to us, and the launcher passes its own on: the same key press twice.
 * Only a signal after this many milliseconds is a second one.
 */
const SAME_SIGNAL_MS = 250

/**
 * How long the process may live after its work is done, in ms. libp2p leaves two timers of a second behind when it
 * stops, which nobody needs to wait for.
 */
const LEAVE_MS = 100

/** What may be open at the end: those timers, what is about to run anyway, and our own standard streams. */
const EXPECTED = new Set(['Timeout', 'Immediate', 'PipeWrap', 'TTYWrap', 'TTYWRAP'])

// The young generation would grow to 100 MB, of which nothing is used: buffers are outside of it (measured).
setFlagsFromString('--semi-space-growth-factor=1')

const stop = new AbortController()
let stoppedAt: number | undefined

/** Who wants to know that files are to be read anew. */
const reloaders = new Set<() => void>()

/** A daemon reads its files anew, as others do; what has lost its terminal, and everything else, ends. */
function onHangUp(signal: NodeJS.Signals): void {
  if (reloaders.size === 0 || process.stdin.isTTY || process.stdout.isTTY) return onSignal(signal)
  for (const reload of reloaders) reload()
}

/** The first signal asks; the second, of a person who has lost patience, ends everything at once. */
function onSignal(signal: NodeJS.Signals): void {
  const now = performance.now()
  if (stoppedAt === undefined) {
    stoppedAt = now
    stop.abort(new DOMException(`stopped by ${signal}`, 'AbortError'))
  } else if (now - stoppedAt > SAME_SIGNAL_MS) {
    // 128 and the number of the signal, as shells have it.
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
}

/** After an error that nobody handles the state is unknown: what was acknowledged is on disk, so end now. */
function die(error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`heliport: fatal, please report this: ${text}\n${causes(error)}`)
  process.exit(EXIT.software)
}

function causes(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error
    ? `caused by: ${cause.stack ?? cause.message}\n${causes(cause)}`
    : ''
}

const io: CommandIO = {
  stdout: process.stdout,
  stderr: process.stderr,
  readSecret: async (question) => {
    const { readSecret } = await import('./cli/read-secret.ts')
    return readSecret(process.stdin, process.stderr, question, stop.signal)
  },
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
  pid: process.pid,
  onReload: (listener) => {
    reloaders.add(listener)
    return () => void reloaders.delete(listener)
  },
  now: () => performance.now(),
  loadDaemon: async () => {
    const { startDaemon, openKeysOffline, exportOffline } = await import('./daemon.ts')
    // A daemon that is killed would never write the code cache that makes its next start fast.
    flushCompileCache()
    return { startDaemon, openKeysOffline, exportOffline }
  },
  loadCheck: () => import('./daemon/check-offline.ts'),
  loadUsers: () => import('./access/users.ts'),
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal)
process.on('SIGHUP', onHangUp)
process.on('uncaughtException', die)
process.on('unhandledRejection', die)
// `heliport … | head` closes our output: nobody listens any more, so stop as if we had been told to.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') die(error)
  stop.abort(new DOMException('the output was closed', 'AbortError'))
})

/** A handle that somebody forgot must not keep a stopped daemon alive; it is named, so that it can be found. */
function leaveSoon(): void {
  const timer = setTimeout(() => {
    const open = process.getActiveResourcesInfo().filter((resource) => !EXPECTED.has(resource))
    if (open.length > 0) process.stderr.write(`heliport: left open: ${open.join(', ')}\n`)
    process.exit()
  }, LEAVE_MS)
  timer.unref()
}

run(process.argv.slice(2), io).then((code) => {
  process.exitCode = code
  leaveSoon()
}, die)
