import { expect } from './arguments.ts'
import { formatCell } from './format.ts'
import { CommandError, EXIT, UsageError } from './io.ts'
import { runningDaemon } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { ControlClient, Json } from './control-client.ts'
import type { CommandIO } from './io.ts'

/** Commits that are shown when nobody says how many. */
const USUAL = 20
/** Commits that are asked for at once. */
const PAGE = 500

/** `heliport log`: what was changed, when, and the root after it, the newest first. */
export async function log(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const limit = limitOf(args.options.limit)
  const daemon = await runningDaemon(args, io)
  for await (const commit of commits(daemon, limit))
    io.stdout.write(args.options.json === true ? `${JSON.stringify(commit)}\n` : described(commit))
  return EXIT.ok
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return USUAL
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`--limit is a whole number, not "${text}"`, { command: 'log' })
}

async function* commits(daemon: ControlClient, limit: number): AsyncGenerator<Json> {
  let before = ''
  for (let left = limit; left > 0;) {
    const asked = Math.min(left, PAGE)
    const { commits: page } = await daemon.get(`/api/v1/log?limit=${asked}${before}`)
    if (!Array.isArray(page))
      throw new CommandError('the daemon sent no list of commits: is it of another version?')
    yield* page as Json[]
    const last = (page as Json[]).at(-1)
    if (last === undefined || page.length < asked) return
    before = `&before=${String(last['sequence'])}`
    left -= page.length
  }
}

/** A line for the commit and one for each change; links are counted, since a push makes one for every blob. */
function described({ sequence, time, root, changes }: Json): string {
  const list = Array.isArray(changes) ? (changes as Json[]) : []
  const links = list.filter(({ action }) => action === 'link')
  const lines = list.filter(({ action }) => action !== 'link').map(changeLine)
  for (const [name, group] of Map.groupBy(links, (change) => String(change['name'])))
    lines.push(
      `  link    ${formatCell(name)}: ${group.length} ${group.length === 1 ? 'blob' : 'blobs'}`,
    )
  const head = `${formatCell(sequence)}  ${formatCell(time)}  ${formatCell(root)}`
  return [head, ...lines].map((line) => `${line}\n`).join('')
}

function changeLine({ action, name, tag, digest, root }: Json): string {
  if (action === 'rollback') return `  rollback  to ${formatCell(root)}`
  const what = typeof tag === 'string' ? `${formatCell(name)}:${formatCell(tag)}` : formatCell(name)
  const which = typeof digest === 'string' ? `  ${formatCell(digest)}` : ''
  return `  ${formatCell(action).padEnd(6)}  ${what}${which}`
}
