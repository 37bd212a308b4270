import { expect } from './arguments.ts'
import { described } from './diff.ts'
import { formatCell } from './format.ts'
import { CommandError, EXIT } from './io.ts'
import { showLine } from './progress.ts'
import { runningDaemon } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { Json } from './control-client.ts'
import type { CommandIO } from './io.ts'

/** `heliport rollback ROOT`: makes the registry what it was, as a new change; shows what is different then. */
export async function rollback(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const [, root = ''] = args.words
  const dryRun = args.options['dry-run'] === true
  const daemon = await runningDaemon(args, io)
  const shown = showLine(io)
  let done = false
  let rolledBack: unknown
  for await (const line of daemon.lines('/api/v1/rollback', { root, dryRun })) {
    if (line['done'] === true) done = true
    else if ('rolledBack' in line) rolledBack = line['rolledBack']
    else if ('phase' in line) shown.update(wordsOf(line))
    else {
      shown.end()
      io.stdout.write(described(line))
    }
  }
  shown.end()
  if (!done || (rolledBack === undefined && !dryRun))
    throw new CommandError(
      'the answer ended before it was done: heliport log tells what became of it',
    )
  const what = dryRun ? 'nothing was changed' : `rolled back to ${formatCell(rolledBack)}`
  io.stderr.write(`heliport: ${what}\n`)
  return EXIT.ok
}

function wordsOf({ phase, done }: Json): string {
  if (phase === 'check') return `${String(done)} blocks of it looked at`
  return phase === 'compare' ? 'looking for what will be different' : 'going back'
}
