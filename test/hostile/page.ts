import { mebibytes } from '../fuzz/memory.ts'
import { writeFigures } from '../support/figures-page.ts'
import { MUTATIONS } from './mutations/all.ts'
import { MANNERS } from './peer/manners.ts'
import { RECORD_TRICKS } from './peer/records.ts'
import type { Tally } from './tally.ts'

const number = (value: number): string => Math.round(value).toLocaleString('en')

/** Writes the figures of a run into docs/network.md. */
export async function writePage(tally: Tally, seed: number): Promise<void> {
  const command = `npm run network -- hostile --cases ${tally.cases + tally.unjudged} --seed ${seed} --write`
  await writeFigures('hostile', command, figures(tally))
  console.log('written: docs/network.md')
}

/** What is to be said of a run. */
export function figures(tally: Tally): string[] {
  const rows = [...Map.groupBy(tally.counts, ([name]) => rowOf(name))]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([row, counts]) => {
      const cells = counts.map(([name, count]) => `${name.replaceAll('|', '\\|')} ${number(count)}`)
      return `| ${row} | ${cells.join('; ')} |`
    })
  const unjudged =
    tally.unjudged === 0
      ? []
      : [
          `${number(tally.unjudged)} more were not judged: something came late while the machine was busy with other things.`,
        ]
  return [
    [
      `${number(tally.cases)} hostile mirrors in ${number(tally.seconds / 60)} minutes, ${number(tally.answers)} answers: none was complete and wrong, ${number(tally.cut)} were cut off.`,
      `${number(tally.trusted)} mappings that were trusted for good were read again, and all of them were true.`,
      ...unjudged,
    ].join(' '),
    `The event loop was held for ${number(tally.longestHeldMs)} ms of processor time at most; memory was at most ${mebibytes(tally.mostMemory)} over that of a new daemon; the slowest first byte, or word that there is none, took ${number(tally.slowestMs)} ms.`,
    '',
    ['| fault | what the mirror did, and how often |', '| --- | --- |', ...rows].join('\n'),
  ]
}

function rowOf(name: string): string {
  const manner = MANNERS[name.replace(/^the peer /, '')]
  const trick = RECORD_TRICKS.find((each) => each.name === name)
  return MUTATIONS.get(name)?.row ?? trick?.row ?? manner?.row ?? '?'
}
