import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gate, isForeignTool } from './gate.ts'
import { readLock } from './lock.ts'
import { askRegistry } from './registry-audit.ts'

/*
 * `npm run dependencies`: the gate for what we depend on. Ends with 1 when a rule is broken or the registry knows of a
 * high or critical weakness. A registry that cannot be asked is named as skipped.
 */

const SOURCES = join(import.meta.dirname, '../../src')

async function sources(): Promise<Map<string, string>> {
  const names = await readdir(SOURCES, { recursive: true })
  const files = names.filter((name) => name.endsWith('.ts'))
  const texts = await Promise.all(files.map((name) => readFile(join(SOURCES, name), 'utf8')))
  return new Map(files.map((name, index) => [`src/${name}`, texts[index] ?? '']))
}

const lock = await readLock()
const problems = gate(lock, await sources())
const packages = Object.values(lock.packages)
const unverified = packages.filter(
  (locked) => locked.integrity === undefined && isForeignTool(locked),
)
console.log(
  `${packages.length - 1} packages, ${packages.filter(({ dev }) => dev !== true).length - 1} of them installed with us`,
)
console.log(
  `${unverified.length} have no integrity: tools for other platforms, not installed with us`,
)

const audit = askRegistry()
if (audit.answered) {
  console.log(`the registry's own audit: ${audit.found.length} high or critical`)
  problems.push(...audit.found)
} else console.log(`SKIPPED: the registry's own audit (${audit.why})`)

for (const problem of problems) console.error(`wrong: ${problem}`)
console.log(`  ${problems.length === 0 ? '1 passing' : `${problems.length} failing`}`)
process.exitCode = problems.length === 0 ? 0 : 1
