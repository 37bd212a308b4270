import { mebibytes } from './memory.ts'
import type { Memory } from './memory.ts'
import type { Reached } from './reached.ts'
import type { Tally } from './tally.ts'

/** One line about how far it is. */
export function progressLine(tally: Tally, wanted: number, memory: Memory): string {
  const rate = tally.requests / Math.max(1, tally.seconds)
  return [
    `${tally.requests}/${wanted} requests`,
    `${Math.round(rate)}/s`,
    `RSS ${mebibytes(memory.all)} (own ${mebibytes(memory.own)})`,
    `longest wait ${Math.round(tally.longestPulse)} ms`,
    tally.classes.map(([status, count]) => `${status} ${count}`).join(' '),
  ].join(' · ')
}

/** What is counted beside the statuses. */
const MEANINGS: Readonly<Record<string, string>> = {
  good: 'what the client asked who does everything right, about; all of it was answered as it must be',
  none: 'not waited for, or closed without an answer to what is no HTTP',
}

/** How often each status came. */
export function statusTable(tally: Tally): string {
  const rows = tally.statuses.map(([status, count]) => {
    const share = ((100 * count) / Math.max(1, tally.requests)).toFixed(1)
    const meaning = MEANINGS[status] ?? ''
    return `  ${status.padEnd(6)}${String(count).padStart(8)}${share.padStart(7)} %  ${meaning}`.trimEnd()
  })
  return ['  status   count  share', ...rows].join('\n')
}

/** How often each route was asked, and how that ended. */
export function routeTable({ routes }: Reached): string {
  const lines = [...routes].map(
    ([name, { well, refused, left }]) =>
      `  ${name.padEnd(44)}${[well, refused, left].map((count) => String(count).padStart(9)).join('')}`,
  )
  return [`  ${'route'.padEnd(44)}     well  refused     left`, ...lines].join('\n')
}

/** The memory of the daemon, at its marks. */
export function memoryTable(marks: readonly (readonly [string, Memory])[]): string {
  const rows = marks.map(
    ([when, { all, own, live }]) =>
      `  ${when.padEnd(28)}${cell(all)}${cell(own)}${live === undefined ? '' : cell(live)}`,
  )
  const heads = ['RSS', 'own pages', 'live'].map((head) => head.padStart(12))
  return [`  ${'memory'.padEnd(28)}${heads.join('')}`, ...rows].join('\n')
}

function cell(bytes: number): string {
  return mebibytes(bytes).padStart(12)
}
