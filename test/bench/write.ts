import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaced } from '../support/figures-page.ts'
import { scenarioIds } from './arguments.ts'
import { barChart } from './chart/bars.ts'
import { courseChart } from './chart/course.ts'
import { lineChart } from './chart/lines.ts'
import { growthSeries } from './growth-series.ts'
import { MEMORY, page, ratioBars } from './page.ts'
import { merged, parseResults } from './results.ts'
import type { Result } from './results.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const PAGE = join(DOCS, 'performance.md')
const DIRECTORY = join(DOCS, 'performance')
const RESULTS = join(DIRECTORY, 'results.json')

/**
 * Puts results into docs/performance.md and its charts. Those of other scenarios, from runs before, stay; all of them are
 * in docs/performance/results.json, from which the page can be made again.
 */
export async function writeResults(results: readonly Result[]): Promise<void> {
  await mkdir(DIRECTORY, { recursive: true })
  const all = merged((await writtenResults()) ?? [], results, scenarioIds())
  await writeFile(RESULTS, json(all))
  await writeFile(join(DIRECTORY, 'ratios.svg'), barChart(ratioBars(all)))
  const growth = all.find(({ id }) => id === 'growth')?.outcome?.figures ?? []
  await writeFile(join(DIRECTORY, 'growth.svg'), lineChart(growthSeries(growth), 'manifests'))
  const course = all.find(({ id }) => id === 'mixed')?.outcome?.course ?? []
  await writeFile(join(DIRECTORY, 'mixed.svg'), courseChart(course, MEMORY / 1e6))
  const text = await readFile(PAGE, 'utf8')
  await writeFile(PAGE, replaced(text, 'bench', page(all).trimEnd()))
  console.log('written: docs/performance.md, docs/performance/')
}

/** What docs/performance/results.json has; undefined when it is not there. */
export async function writtenResults(): Promise<readonly Result[] | undefined> {
  try {
    return parseResults(await readFile(RESULTS, 'utf8')).results
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

export function json(results: readonly Result[]): string {
  return `${JSON.stringify({ format: 1, results }, null, 1)}\n`
}
