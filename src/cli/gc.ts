import { expect } from './arguments.ts'
import { formatBytes } from './format.ts'
import { CommandError, EXIT } from './io.ts'
import { showLine } from './progress.ts'
import { runningDaemon } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { Json } from './control-client.ts'
import type { CommandIO } from './io.ts'

/** What each phase counts. */
const COUNTED: Readonly<Record<string, string>> = {
  tidy: 'repositories looked through',
  mark: 'nodes followed',
  sweep: 'blocks looked at',
}

/** `heliport gc`: collects garbage in the running daemon, and says what was deleted. */
export async function gc(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const daemon = await runningDaemon(args, io)
  const dryRun = args.options['dry-run'] === true
  const trustClock = args.options['trust-clock'] === true
  const shown = showLine(io)
  let report: Json | undefined
  for await (const line of daemon.lines('/api/v1/gc', { dryRun, trustClock })) {
    if (typeof line['report'] === 'object') report = line['report'] as Json
    else if (line['done'] !== true) shown.update(wordsOf(line))
  }
  shown.end()
  if (report === undefined)
    throw new CommandError('the collection ended before it was done: heliport gc goes on with it')
  io.stdout.write(
    args.options.json === true ? `${JSON.stringify(report, null, 2)}\n` : described(report),
  )
  return EXIT.ok
}

function wordsOf({ phase, done }: Json): string {
  return `${String(done)} ${COUNTED[String(phase)] ?? String(phase)}`
}

function described(report: Json): string {
  const count = (key: string): number => (typeof report[key] === 'number' ? report[key] : 0)
  const verb = report['dryRun'] === true ? 'would be deleted' : 'deleted'
  const names = Array.isArray(report['tagNames']) ? report['tagNames'].map(String) : []
  const more = count('tags') - names.length
  const lines = [
    ...names.map((name) => `tag that would go: ${name}`),
    ...(names.length > 0 && more > 0 ? [`and ${more} more tags`] : []),
    `${verb}: ${count('blocks')} blocks, ${formatBytes(count('bytes'))}; ${count('keptBlocks')} kept`,
    `out of the tree: ${count('tags')} tags, ${count('manifests')} manifests, ${count('blobs')} links of blobs, ${count('contents')} contents`,
    `no longer kept: ${count('commits')} commits`,
    ...keptLines(count),
    `time: ${(count('ms') / 1000).toFixed(1)} s`,
  ]
  if (count('leasedFor') > 0)
    lines.push(
      `the tree was left alone: after the last start nobody knows what clients were told before; in ${count('leasedFor')} s it is looked through again`,
    )
  lines.push(...clockLines(report))
  return lines.map((line) => `${line}\n`).join('')
}

/** Why something may still be there that nothing needs any more, say after a rollback. */
function keptLines(count: (key: string) => number): string[] {
  const [commits, leased] = [count('keptCommits'), count('leased')]
  return [
    ...(commits > 1
      ? [`kept for the history, with all that was in them: ${commits} commits (retention.history)`]
      : []),
    ...(leased > 0
      ? [
          `kept because clients were told of them lately: ${leased} manifests and links of blobs (retention.lease)`,
        ]
      : []),
  ]
}

/** Why less may have gone than the clock on the wall says. */
function clockLines({ clock }: Json): string[] {
  if (typeof clock !== 'object' || clock === null) return []
  const { aheadBy, countedIn } = clock as Json
  return [
    `the clock is ${(Number(aheadBy) / 86_400).toFixed(1)} days ahead of the time that this registry knows of, and that made nothing older: ` +
      `it counts in ${(Number(countedIn) / 3600).toFixed(1)} hours of running, or at once with --trust-clock`,
  ]
}
