import { expect } from './arguments.ts'
import { formatCell } from './format.ts'
import { CommandError, EXIT } from './io.ts'
import { runningDaemon } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { Json } from './control-client.ts'
import type { CommandIO } from './io.ts'

const SIGNS: Readonly<Record<string, string>> = { added: '+', removed: '-', changed: '~' }

/** `heliport diff FROM TO`: what is different in the second of two roots. */
export async function diff(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const [, from = '', to = ''] = args.words
  const daemon = await runningDaemon(args, io)
  let done = false
  for await (const line of daemon.lines('/api/v1/diff', { from, to })) {
    if (line['done'] === true) done = true
    else io.stdout.write(args.options.json === true ? `${JSON.stringify(line)}\n` : described(line))
  }
  if (!done) throw new CommandError('the list ended before it was done: it is not whole')
  return EXIT.ok
}

/** One difference, as a line. */
export function described({ change, kind, name, tag, digest, from, to }: Json): string {
  const sign = SIGNS[String(change)] ?? '?'
  if (kind !== 'tag')
    return `${sign} ${formatCell(kind)}  ${formatCell(name)}@${formatCell(digest)}\n`
  const moved = [from, to].filter((end) => typeof end === 'string').map(formatCell)
  return `${sign} tag  ${formatCell(name)}:${formatCell(tag)}  ${moved.join(' -> ')}\n`
}
