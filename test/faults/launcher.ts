import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const LAUNCHER = join(import.meta.dirname, '../../bin/heliport.cjs')

/** How a command ended. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/**
 * Runs a command through the launcher, in a process of its own, and waits for its end.
 *
 * @param env all the environment it gets besides PATH and HOME
 * @param user runs it as that user, which only root can
 */
export async function heliport(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  user?: { uid: number; gid: number },
): Promise<Ended> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [LAUNCHER, ...argv], {
    // Node hands its coverage directory down unasked; another user could not write to it, and says so on stderr.
    env: { PATH, HOME, ...(user === undefined ? {} : { NODE_V8_COVERAGE: '' }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ])
  return { code, signal, stdout, stderr }
}
