import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { ToolName } from './catalog.ts'

/** Where tools that we built are kept between runs: outside of the repository, so that a fresh clone finds them. */
export function toolDirectory(): string {
  const { HELIPORT_TOOLS: own, XDG_CACHE_HOME: cache } = process.env
  return own || join(cache || join(homedir(), '.cache'), 'heliport-tools')
}

/** What a `PATH` may lack: where Debian keeps daemons, and where Go's own archive is unpacked. */
const ALSO = ['/usr/sbin', '/sbin', '/usr/local/go/bin']

/**
 * The path of a tool: what we built (its version is known) before what is on the `PATH`.
 *
 * @returns undefined when this machine does not have it
 */
export async function findTool(name: ToolName | 'go'): Promise<string | undefined> {
  const ours = join(toolDirectory(), name)
  return (await executable(ours)) ? ours : findProgram(name)
}

/** The path of a program of the system; undefined when this machine does not have it. */
export async function findProgram(name: string): Promise<string | undefined> {
  const system = (process.env['PATH'] ?? '').split(delimiter)
  for (const directory of [...system, ...ALSO]) {
    if (directory === '') continue
    const path = join(directory, name)
    if (await executable(path)) return path
  }
  return undefined
}

/** Whether there is a program at this path that we may run. */
export async function executable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false // whatever the reason, it cannot be run
    throw error
  }
}
