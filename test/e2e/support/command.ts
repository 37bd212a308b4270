import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** What to give a command besides its arguments. */
export interface CommandOptions {
  /** For its standard input. */
  input?: Uint8Array | undefined
  /** Over our own environment. */
  env?: Readonly<Record<string, string>> | undefined
  /** Its working directory. */
  cwd?: string | undefined
  /** Milliseconds until it is killed; two minutes if not given. */
  timeout?: number | undefined
  /** Kills it as well. */
  signal?: AbortSignal | undefined
}

/** What a failed command writes may be long; its end says why. */
const SHOWN = 8000

/** Commands lead a group of their own, with whom they started; none of them outlives us. */
const running = new Set<number>()
process.on('exit', () => {
  for (const group of running) kill(group)
})

/** Runs a command to its end and gives what it wrote. @throws with its error output when it fails, or is killed */
export async function run(
  command: string,
  args: readonly string[],
  { input, env = {}, cwd, timeout = 120_000, signal }: CommandOptions = {},
): Promise<string> {
  signal?.throwIfAborted()
  const child = spawn(command, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    cwd,
    detached: true,
  })
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const { pid } = child
  if (pid !== undefined) running.add(pid)
  const end = AbortSignal.any([AbortSignal.timeout(timeout), ...(signal ? [signal] : [])])
  const stop = () => pid !== undefined && kill(pid)
  end.addEventListener('abort', stop)
  // A command that fails early does not read its input; what it says about it comes on its error output.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  try {
    const [output, errors, [code, killed]] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      closed,
    ])
    if (code === 0) return output
    const how = end.aborted ? `was killed: ${String(end.reason)}` : `ended with ${killed ?? code}`
    const wrote = `${output}\n${errors}`.trim().slice(-SHOWN)
    throw new Error(`${command} ${args.join(' ')} ${how}\n${wrote}`)
  } finally {
    end.removeEventListener('abort', stop)
    if (pid !== undefined) running.delete(pid)
  }
}

/** Ends a command and whom it started. */
function kill(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
