import { expect } from './arguments.ts'
import { isOperatorError } from './daemon-face.ts'
import { findDaemon } from './find-daemon.ts'
import { formatBytes } from './format.ts'
import { describedCheck } from './fsck-report.ts'
import { CommandError, EXIT, UsageError } from './io.ts'
import { showBar } from './progress.ts'
import { findTarget } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { Json } from './control-client.ts'
import type { CommandIO } from './io.ts'

/** What each phase looks at. */
const PHASES: Readonly<Record<string, string>> = {
  count: 'counting',
  trees: 'the registry, from its newest state on',
  uploads: 'uploads',
  blocks: 'blocks of no tree of ours',
  claims: 'what is known of mirrors',
  places: 'whom it concerns',
}

/**
 * `heliport fsck`: checks everything that is stored, in the running daemon, else by itself.
 *
 * @returns 0 when all is well or was mended, 1 when something is damaged; what keeps it from being checked is 69
 */
export async function fsck(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const repair = args.options.repair === true
  const acceptLoss = args.options['accept-loss'] === true
  if (acceptLoss && !repair)
    throw new UsageError('--accept-loss needs --repair', { command: 'fsck' })
  const bar = showBar(io)
  let damaged = 0
  let report: Json | undefined
  try {
    for await (const line of await lines(
      args,
      { repair, ...(acceptLoss ? { acceptLoss } : {}) },
      io,
    )) {
      if (isObject(line['report'])) report = line['report']
      else if (line['done'] !== true) {
        damaged = count(line, 'damaged')
        bar.update(count(line, 'done') / Math.max(1, count(line, 'total')), wordsOf(line))
      }
    }
    if (report === undefined) throw new CommandError('the check ended before it was done')
  } catch (error) {
    bar.end()
    throw unable(error, damaged, io)
  }
  bar.end()
  io.stdout.write(
    args.options.json === true ? `${JSON.stringify(report, null, 2)}\n` : describedCheck(report),
  )
  return count(report, 'damaged') === 0 ? EXIT.ok : EXIT.damaged
}

async function lines(
  args: Arguments,
  how: { repair: boolean; acceptLoss?: boolean },
  io: CommandIO,
): Promise<AsyncIterable<Json>> {
  const { dataDir, config } = await findTarget(args, io)
  const daemon = await findDaemon(dataDir, io.signal)
  if (daemon !== undefined) return daemon.lines('/api/v1/fsck', how)
  const module = await io.loadCheck()
  return module.checkOffline(config, { ...how, signal: io.signal }) as AsyncIterable<Json>
}

/** An end that says nothing about the data must not exit with the code that says something is damaged. */
function unable(error: unknown, damaged: number, { signal }: CommandIO): unknown {
  const soon =
    damaged === 0 ? 'nothing damaged was found until then' : `${damaged} damaged until then`
  if (signal.aborted)
    return new CommandError(`interrupted; ${soon}`, { code: EXIT.unavailable, cause: error })
  if (!(error instanceof CommandError) && !isOperatorError(error)) return error
  const message = error.message.replaceAll('\n', ' ')
  return new CommandError(`it could not be checked: ${message}`, {
    code: EXIT.unavailable,
    cause: error,
  })
}

function wordsOf(line: Json): string {
  const damaged = count(line, 'damaged')
  const mended = count(line, 'mended')
  const words = [formatBytes(count(line, 'bytes')), PHASES[String(line['phase'])] ?? '']
  if (damaged > 0) words.push(`${damaged} damaged`)
  if (mended > 0) words.push(`${mended} mended`)
  return words.filter((word) => word !== '').join(', ')
}

function count(line: Json, key: string): number {
  const value = line[key]
  return typeof value === 'number' ? value : 0
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}
