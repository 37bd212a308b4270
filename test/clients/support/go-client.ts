import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import { NO_WAY_OUT } from '../../e2e/support/no-way-out.ts'
import type { ToolName } from '../../tools/catalog.ts'
import type { World } from '../client.ts'

/** What to give a client besides its arguments. */
export interface Given {
  input?: Uint8Array | string
  env?: Readonly<Record<string, string>>
}

/** Runs a client in its own directory, where it keeps its logins, caches and keys too. @throws when it fails */
export async function client(
  { directory, tool, signal }: World,
  name: ToolName,
  args: readonly string[],
  { input, env = {} }: Given = {},
): Promise<string> {
  const home = join(directory, 'home')
  await mkdir(home, { recursive: true })
  const places = {
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_CACHE_HOME: join(home, 'cache'),
    XDG_DATA_HOME: join(home, 'data'),
    DOCKER_CONFIG: join(home, 'docker'),
  }
  return run(tool(name), args, {
    cwd: directory,
    signal,
    env: { ...places, ...NO_WAY_OUT, ...env },
    input: input === undefined ? undefined : Buffer.from(input),
  })
}

/** A client has to fail, and to say why. */
export async function refused(failing: Promise<string>, why: RegExp): Promise<void> {
  await assert.rejects(failing, ({ message }: Error) => {
    assert.match(message, why)
    return true
  })
}
