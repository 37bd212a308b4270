import { resolve } from 'node:path'
import { expect } from './arguments.ts'
import { findDaemon } from './find-daemon.ts'
import { CommandError, EXIT } from './io.ts'
import { showProgress } from './progress.ts'
import { findTarget } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { ControlClient, Json } from './control-client.ts'
import type { ExportProgress } from './daemon-face.ts'
import type { CommandIO } from './io.ts'

/** `heliport export DIR`: the registry as files that a stock registry serves. */
export async function exportTree(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const directory = resolve(io.cwd, args.words[1] ?? '')
  const { dataDir, config } = await findTarget(args, io)
  const daemon = await findDaemon(dataDir, io.signal)
  const progress = showProgress(io, 'exported')
  let isDone = false
  try {
    if (daemon !== undefined) await throughDaemon(daemon, directory, progress.update)
    else {
      const module = await io.loadDaemon()
      await module.exportOffline(config, directory, {
        signal: io.signal,
        onProgress: progress.update,
      })
    }
    isDone = true
  } finally {
    progress.end({ isDone })
  }
  io.stderr.write(`heliport: the registry is in ${directory}\n`)
  return EXIT.ok
}

async function throughDaemon(
  daemon: ControlClient,
  directory: string,
  onProgress: (progress: ExportProgress) => void,
): Promise<void> {
  let done = false
  for await (const line of daemon.lines('/api/v1/export', { directory })) {
    onProgress({ files: count(line, 'files'), bytes: count(line, 'bytes') })
    done = line['done'] === true
  }
  if (!done)
    throw new CommandError(
      `the export ended before it was done: what is in ${directory} is not whole`,
    )
}

function count(line: Json, key: 'files' | 'bytes'): number {
  const value = line[key]
  return typeof value === 'number' ? value : 0
}
