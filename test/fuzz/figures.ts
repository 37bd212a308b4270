import { mebibytes } from './memory.ts'
import type { Course } from './course.ts'

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
    '',
    'The routes of both doors, and how often each was answered well and refused:',
    '',
    `| | ${modes.map((mode) => `mode ${mode}`).join(' | ')} |`,
    `| --- |${' --- |'.repeat(modes.length)}`,
    ...[...(courses[0]?.reached.routes.keys() ?? [])].map((name) =>
      row(`\`${name}\``, courses, ({ reached }) => {
        const { well = 0, refused = 0 } = reached.routes.get(name) ?? {}
        return `${well} / ${refused}`
      }),
    ),
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
