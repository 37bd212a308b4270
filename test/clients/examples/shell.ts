import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import type { ToolName } from '../../tools/catalog.ts'
import type { World } from '../client.ts'

/** What a block is run with. */
interface Surroundings {
  /** The programs that it calls. */
  tools: readonly ToolName[]
  env?: Readonly<Record<string, string>> | undefined
}

/** Runs a block of commands as a reader would, in the client's directory. @returns what it wrote; throws when a command fails */
export async function runShell(
  { tool, directory, signal }: World,
  commands: string,
  { tools, env = {} }: Surroundings,
): Promise<string> {
  const programs = join(directory, 'programs')
  await mkdir(programs, { recursive: true })
  for (const name of tools) await link(tool(name), join(programs, name))
  const path = `${programs}:${process.env['PATH'] ?? ''}`
  return run('/bin/sh', ['-euc', commands], {
    cwd: directory,
    env: { ...env, PATH: path },
    signal,
  })
}

async function link(target: string, at: string): Promise<void> {
  try {
    await symlink(target, at)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}
