import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** As root without what lets root read everything: it comes with Linux' mount(8), in util-linux. */
const LESS_THAN_ROOT = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']
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
 * @param options `isRestricted` has what is closed be closed to root, too
 */
export async function heliport(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { isRestricted = false }: { isRestricted?: boolean } = {},
): Promise<Ended> {
  const { PATH, HOME } = process.env
  const prefix = isRestricted && process.getuid?.() === 0 ? LESS_THAN_ROOT : []
  const [command = process.execPath, ...args] = [...prefix, process.execPath, LAUNCHER, ...argv]
  const child = spawn(command, args, {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ])
  return { code, signal, stdout, stderr }
}
