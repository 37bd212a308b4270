import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { INTENDED } from './intended.ts'
import type { Tally } from './tally.ts'

export const PAGE = join(import.meta.dirname, '../../docs/differential.md')

/** The list of intended differences as it is in the documentation. */
export function intendedTable(): string {
  const rows = INTENDED.map(
    ({ id, difference, reason, source }) =>
      `| \`${id}\` | ${[difference, reason, source].map(cell).join(' | ')} |`,
  )
  return ['| | Difference | Why | Written in |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** The figures of a run. */
function figures({ sequences, exchanges, seconds, fired }: Tally, seed: number): string {
  const date = new Date().toISOString().slice(0, 10)
  const counts = fired.map(({ id, times }) => `\`${id}\` ${number(times)}`)
  return [
    `${number(sequences)} sequences with seed ${seed} on ${date}, ${number(exchanges)} requests to each registry in ${Math.round(seconds / 60)} minutes:`,
    'no difference that is not in the list. How often each entry explained one:',
    `${counts.join(', ')}.`,
  ].join('\n')
}

function number(value: number): string {
  return value.toLocaleString('en')
}

/** What stands between two marks of the page. */
export function section(page: string, name: string): string {
  const [begin, end] = marks(name)
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) throw new Error(`docs/differential.md has no ${begin}`)
  return page.slice(from + begin.length, to).trim()
}

function marks(name: string): [begin: string, end: string] {
  return [`<!-- ${name}: written by npm run differential -- --write -->`, `<!-- end of ${name} -->`]
}

function replaced(page: string, name: string, text: string): string {
  const [begin, end] = marks(name)
  const old = section(page, name)
  return page.replace(`${begin}\n\n${old}\n\n${end}`, () => `${begin}\n\n${text}\n\n${end}`)
}

/** Writes the list and the figures of this run into the page. */
export async function writePage(tally: Tally, seed: number): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const listed = replaced(page, 'list', intendedTable())
  await writeFile(PAGE, replaced(listed, 'run', figures(tally, seed)))
  console.log('written: docs/differential.md')
}
