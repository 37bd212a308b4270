import { mebibytes } from '../fuzz/memory.ts'
import { writeFigures } from '../support/figures-page.ts'
import { keep, runOf, total } from './ledger.ts'
import { MUTATIONS } from './mutations/all.ts'
import { MANNERS } from './peer/manners.ts'
import { RECORD_TRICKS } from './peer/records.ts'
import type { Run } from './ledger.ts'
import type { Tally } from './tally.ts'

const number = (value: number): string => Math.round(value).toLocaleString('en')

/** Adds the figures of a run to those in docs/network.md. */
export async function writePage(tally: Tally, seed: number, lanes: number): Promise<void> {
  const run = runOf(tally, seed, lanes)
  const runs = await keep(run)
  const command = `npm run network -- hostile --cases ${run.cases + run.unjudged} --lanes ${lanes} --seed ${seed} --write`
  await writeFigures('hostile', command, figures(runs))
}

/** What is to be said of some runs. */
export function figures(runs: readonly Run[]): string[] {
  const all = total(runs)
  const played = Object.entries(all.counts).toSorted(byName)
  const rows = [...Map.groupBy(played, ([name]) => rowOf(name))]
    .toSorted(byName)
    .map(([row, counts]) => {
      const cells = counts.map(([name, count]) => `${name.replaceAll('|', '\\|')} ${number(count)}`)
      return `| ${row} | ${cells.join('; ')} |`
    })
  const unjudged =
    all.unjudged === 0
      ? []
      : [
          `${number(all.unjudged)} more were not judged: something came late while the machine was busy with other things.`,
        ]
  const seeds = runs.map(({ seed, cases }) => `${seed} (${number(cases)})`).join(', ')
  return [
    [
      `${number(all.cases)} hostile mirrors in ${number(all.minutes)} minutes, ${number(all.answers)} answers: none was complete and wrong, ${number(all.cut)} were cut off.`,
      `${number(all.trusted)} mappings that were trusted for good were read again, and all of them were true.`,
      ...unjudged,
    ].join(' '),
    `The event loop was held for ${number(all.heldMs)} ms of processor time at most; memory was at most ${mebibytes(all.memory)} over that of a new daemon; the slowest first byte, or word that there is none, took ${number(all.slowestMs)} ms.`,
    `All runs in [hostile-runs.json](hostile-runs.json) together, seeds ${seeds}.`,
    '',
    ['| fault | what the mirror did, and how often |', '| --- | --- |', ...rows].join('\n'),
  ]
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}

function rowOf(name: string): string {
  const manner = MANNERS[name.replace(/^the peer /, '')]
  const trick = RECORD_TRICKS.find((each) => each.name === name)
  return MUTATIONS.get(name)?.row ?? trick?.row ?? manner?.row ?? '?'
}
