import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mebibytes } from '../fuzz/memory.ts'
import type { Tally } from './tally.ts'

const PAGE = join(import.meta.dirname, '../../docs/network.md')
const [BEGIN, END] = ['<!-- run: hostile -->', '<!-- end: hostile -->']

/** Writes the figures of a run into the page. */
export async function writePage(tally: Tally, seed: number): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  await writeFile(PAGE, withFigures(page, figures(tally, seed, new Date())))
  console.log('written: docs/network.md')
}

/** @throws when the page has no place for them */
export function withFigures(page: string, text: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from === -1 || to < from) throw new Error(`docs/network.md has no ${BEGIN}`)
  return `${page.slice(0, from + BEGIN.length)}\n\n${text}\n\n${page.slice(to)}`
}

function figures(tally: Tally, seed: number, when: Date): string {
  const n = (value: number): string => Math.round(value).toLocaleString('en')
  const rows = tally.counts.map(
    ([name, count]) => `| ${name.replaceAll('|', '\\|')} | ${n(count)} |`,
  )
  return [
    `\`node test/hostile/run.ts --cases ${tally.cases} --seed ${seed}\`, ${when.toISOString().slice(0, 10)}, ${n(tally.seconds / 60)} minutes:`,
    `${n(tally.answers)} answers, none of them wrong and complete; ${n(tally.cut)} were cut off. ${n(tally.trusted)} trusted mappings were read again, and all of them were true.`,
    ...(tally.unjudged === 0
      ? []
      : [
          `${n(tally.unjudged)} more were not judged, because the machine was busy and something came late.`,
        ]),
    `Event loop held for ${n(tally.longestHeldMs)} ms of processor time at most; memory at most ${mebibytes(tally.mostMemory)} over that of a new daemon; slowest first byte, or word that there is none, ${n(tally.slowestMs)} ms.`,
    '',
    '| what the mirror did | times |',
    '| --- | --- |',
    ...rows,
  ].join('\n')
}
