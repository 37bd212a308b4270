import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { findDaemon } from './find-daemon.ts'
import { CommandError } from './io.ts'
import type { Config } from '../config/schema.ts'
import type { Arguments } from './arguments.ts'
import type { ControlClient } from './control-client.ts'
import type { CommandIO } from './io.ts'

const NO_DIRECTORY =
  'there is no such directory; name the data directory by --data, or the configuration by --config'

/** Which node a command is about. */
export interface Target {
  /** Absolute. */
  readonly dataDir: string
  readonly config: Config
  readonly warnings: readonly string[]
}

/**
 * Finds the node by `--config` and `--data`, else by the defaults and the environment.
 *
 * @throws ConfigError
 */
export async function findTarget(
  { options }: Arguments,
  io: CommandIO,
  file = options.config,
): Promise<Target> {
  // Later than the first line of output: the parsers of the configuration take a tenth of a second to load.
  const { loadConfig } = await import('../config/load.ts')
  const data =
    options.data === undefined ? {} : { REGISTRY_STORAGE_PATH: resolve(io.cwd, options.data) }
  const { config, warnings } = await loadConfig({ file, env: { ...io.env, ...data }, cwd: io.cwd })
  return { dataDir: config.storage.path, config, warnings }
}

/** The daemon that a command is about. @throws CommandError when none runs */
export async function runningDaemon(args: Arguments, io: CommandIO): Promise<ControlClient> {
  const { dataDir } = await findTarget(args, io)
  const daemon = await findDaemon(dataDir, io.signal)
  if (daemon !== undefined) return daemon
  throw new CommandError(`no daemon runs on ${dataDir}${await hint(dataDir)}`)
}

/** What is wrong with the directory itself, if anything is. */
async function hint(dataDir: string): Promise<string> {
  try {
    return (await stat(dataDir)).isDirectory() ? '' : `: ${NO_DIRECTORY}`
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return `: ${NO_DIRECTORY}`
    throw error
  }
}
