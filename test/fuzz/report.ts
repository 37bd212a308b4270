import { mebibytes } from './memory.ts'
import type { Course } from './course.ts'
import type { Memory } from './memory.ts'
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

/** What came of a run in which all was well, for a page. */
export function figures(courses: readonly Course[], seed: number): string[] {
  const all = courses.reduce((sum, { tally }) => sum + tally.requests, 0)
  const seconds = courses.reduce((sum, { tally }) => sum + tally.seconds, 0)
  const statuses = [...new Set(courses.flatMap(({ tally }) => tally.statuses.map(([s]) => s)))]
  const modes = courses.map(({ mode }) => mode)
  return [
    `${all} requests in ${Math.round(seconds)} s (the quiet in which memory is looked at among them), seed ${seed}: no answer was wrong, no daemon died or complained, and everything that was pushed was there, also after a restart.`,
    '',
    `| | ${modes.map((mode) => `mode ${mode}`).join(' | ')} |`,
    `| --- |${' --- |'.repeat(modes.length)}`,
    row('requests', courses, ({ tally }) => String(tally.requests)),
    row(
      'longest wait for `/healthz`',
      courses,
      ({ tally }) => `${Math.round(tally.longestPulse)} ms`,
    ),
    ...memoryRows(courses),
    ...statuses
      .toSorted()
      .map((status) => row(nameOf(status), courses, (each) => countOf(each, status))),
  ]
}

function row(head: string, courses: readonly Course[], cellOf: (of: Course) => string): string {
  return `| ${head} | ${courses.map(cellOf).join(' | ')} |`
}

/** Marks are the same in each, but for the numbers of requests in their names. */
function memoryRows(courses: readonly Course[]): string[] {
  const [first] = courses
  return (first?.marks ?? []).map(([when], n) =>
    row(`own pages, live objects ${when.replace(/\d+/, 'so many')}`, courses, ({ marks }) => {
      const [name = '', memory] = marks[n] ?? []
      if (memory === undefined) return ''
      const live = memory.live === undefined ? '' : `, ${mebibytes(memory.live)}`
      const count = /\d+/.exec(name)?.[0]
      const after = count === undefined ? '' : ` (${count})`
      return `${mebibytes(memory.own)}${live}${after}`
    }),
  )
}

function nameOf(status: string): string {
  const names: Readonly<Record<string, string>> = {
    good: 'answered well to the good client',
    none: 'not waited for, or closed as no HTTP',
  }
  return names[status] ?? `answered with ${status}`
}

function countOf({ tally }: Course, status: string): string {
  return String(new Map(tally.statuses).get(status) ?? 0)
}
