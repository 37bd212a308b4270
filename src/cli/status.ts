import { expect } from './arguments.ts'
import { formatCell } from './format.ts'
import { EXIT } from './io.ts'
import { runningDaemon } from './target.ts'
import type { Arguments } from './arguments.ts'
import type { CommandIO } from './io.ts'

/** `heliport status`: what the running daemon is doing. Fails when none runs. */
export async function status(args: Arguments, io: CommandIO): Promise<number> {
  expect(args)
  const daemon = await runningDaemon(args, io)
  const report = await daemon.get('/api/v1/status')
  io.stdout.write(
    args.options.json === true ? `${JSON.stringify(report, null, 2)}\n` : summary(report),
  )
  return EXIT.ok
}

/** The report with one line per fact. Facts this version does not know are shown too, as they came. */
function summary(report: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(report).flatMap(([key, value]) => facts(key, value))
  const width = Math.max(0, ...lines.map(([name]) => name.length))
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')
}

type Fact = [name: string, value: string]

function facts(key: string, value: unknown): Fact[] {
  if (Array.isArray(value)) return listFacts(key, value as unknown[])
  if (typeof value !== 'object' || value === null) return [[formatCell(key), formatCell(value)]]
  return Object.entries(value).flatMap(([inner, fact]) => facts(`${key}.${inner}`, fact))
}

function listFacts(key: string, values: unknown[]): Fact[] {
  if (values.length === 0) return [[formatCell(key), '-']]
  return values.flatMap((value, index) =>
    typeof value === 'object' ? facts(`${key}.${index + 1}`, value) : facts(key, value),
  )
}
