import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeFigures } from '../support/figures-page.ts'
import { removeLeftovers } from '../support/namespaces.ts'
import { runSuite } from '../support/suite.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { table } from './support/figures.ts'
import { missingNeeds } from './support/needs.ts'
import type { Figure } from './support/figures.ts'

/*
 * `npm run test:wire`: real daemons on hosts of their own (network namespaces), joined by lines that are long, narrow,
 * bad, or cut. Needs Linux and root. `npm run test:wire -- lines` runs the specs whose file name holds the word;
 * `--write` keeps the figures in docs/network.md.
 */

/** @returns the exit code; 2 when something is missing */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { write: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const missing = await missingNeeds()
  for (const line of missing) console.error(`test:wire: missing ${line}`)
  if (missing.length > 0) return 2

  await using directory = await temporaryDirectory()
  const file = join(directory.path, 'figures')
  const code = await runSuite({
    name: 'test:wire',
    directory: import.meta.dirname,
    words: positionals,
    env: { HELIPORT_WIRE_FIGURES: file },
  })
  removeLeftovers()
  if (code !== 0 || !values.write) return code
  const figures = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Figure)
  const shapedBy = [...new Set(figures.map((figure) => figure.shapedBy))].join(', ')
  await writeFigures('wire', 'npm run test:wire -- --write', [
    `Lines shaped by ${shapedBy}. "Plain TCP" is one stream of as many bytes through the same line.`,
    '',
    table(figures),
  ])
  return 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
