import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect } from './arguments.ts'
import { EXIT, UsageError } from './io.ts'
import { findTarget } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { ConfigSource } from './daemon-face.ts'
import type { CommandIO } from './io.ts'

/** `heliport serve [config.yaml]`: runs the daemon until the signal aborts. */
export async function serve(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const file = configFile(args)
  const { config, warnings } = await findTarget(args, io, file)
  for (const warning of warnings) io.stderr.write(`heliport: ${warning}\n`)
  const module = await io.loadDaemon()
  // Left in the middle of the start: there is nothing to stop yet, and nothing went wrong.
  if (io.signal.aborted) return EXIT.ok
  try {
    await using daemon = await module.startDaemon(config, {
      signal: io.signal,
      log: io.stdout,
      pid: io.pid,
      onReload: io.onReload,
      source: file === undefined ? undefined : sourceOf(file, args, io),
    })
    // Whichever comes first; leaving the block then stops what still runs, and waits for it.
    await Promise.race([daemon.closed, aborted(io.signal)])
  } catch (error) {
    if (isAbort(error, io.signal)) return EXIT.ok
    throw error
  }
  return EXIT.ok
}

function sourceOf(file: string, args: Arguments, io: CommandIO): ConfigSource {
  return {
    stamp: async () => {
      const { mtimeMs, size, ino } = await stat(resolve(io.cwd, file))
      return `${mtimeMs} ${size} ${ino}`
    },
    read: async () => (await findTarget(args, io, file)).config,
  }
}

function configFile({ words, options }: Arguments): string | undefined {
  const [, word] = words
  if (word !== undefined && options.config !== undefined)
    throw new UsageError('the configuration is named twice', { command: 'serve' })
  return word ?? options.config
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** The start was given up because we were told to stop. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted &&
    (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
  )
}
