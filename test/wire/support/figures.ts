import { once } from 'node:events'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import type { Host } from './host.ts'

const BARE_STREAM = join(import.meta.dirname, 'bare-stream.ts')
const MIB = 1024 * 1024

/** A pull of an image through a line. */
export interface Figure {
  /** What the line does. */
  readonly line: string
  readonly mode: string
  readonly bytes: number
  readonly milliseconds: number
  /** The same number of bytes by one plain TCP stream, through the same line. */
  readonly bareMilliseconds: number
  /** Who shaped the line. */
  readonly shapedBy: string
}

/** How long a plain TCP stream takes for so many bytes, in ms. */
export async function bareStream(from: Host, to: Host, bytes: number): Promise<number> {
  const server = from.namespace.spawn(process.execPath, [BARE_STREAM, 'serve'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  try {
    await once(server, 'message')
    const [command, ...inside] = to.inside
    const take = [...inside, process.execPath, BARE_STREAM, 'take', from.address, String(bytes)]
    return Number(await run(command, take))
  } finally {
    const gone = once(server, 'exit')
    server.kill('SIGKILL')
    await gone
  }
}

/** Says it, and keeps it for `npm run test:wire -- --write`. */
export async function keep(figure: Figure): Promise<void> {
  console.log(`      ${cells(figure).join(', ')}`)
  const file = process.env['HELIPORT_WIRE_FIGURES']
  if (file !== undefined) await appendFile(file, `${JSON.stringify(figure)}\n`)
}

/** As the page has it. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => `| ${cells(figure).join(' | ')} |`)
  return [
    '| line | mode | image | pull | plain TCP | of it |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function cells({ line, mode, bytes, milliseconds, bareMilliseconds }: Figure): string[] {
  const rate = (time: number): string => `${(bytes / MIB / (time / 1000)).toFixed(2)} MiB/s`
  return [
    line,
    mode,
    `${Math.round(bytes / MIB)} MiB`,
    rate(milliseconds),
    rate(bareMilliseconds),
    `${Math.round((bareMilliseconds / milliseconds) * 100)} %`,
  ]
}
