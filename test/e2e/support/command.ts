import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** What to give a command besides its arguments. */
export interface CommandOptions {
  /** For its standard input. */
  input?: Uint8Array | undefined
  env?: Readonly<Record<string, string>> | undefined
  /** Milliseconds until it is killed; two minutes if not given. */
  timeout?: number
}

/** Runs a command to its end and gives what it wrote. @throws with its error output when it fails */
export async function run(
  command: string,
  args: readonly string[],
  { input, env = {}, timeout = 120_000 }: CommandOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout,
    killSignal: 'SIGKILL',
  })
  const closed = once(child, 'close')
  // A command that fails early does not read its input; what it says about it comes on its error output.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  const [output, errors, [code, signal]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    closed as Promise<[number | null, NodeJS.Signals | null]>,
  ])
  if (code === 0) return output
  throw new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}:\n${errors}${output}`)
}
