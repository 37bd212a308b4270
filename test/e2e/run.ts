import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { missingNeeds } from './support/needs.ts'

/*
 * `npm run test:e2e`: the specs that need real tools. `npm run test:e2e -- docker skopeo` runs those whose file name
 * holds one of the words. What is missing on this machine is named, and nothing is skipped for it.
 */

const MOCHA = join(import.meta.dirname, '../../node_modules/mocha/bin/mocha.js')

async function main(words: readonly string[]): Promise<number> {
  const missing = await missingNeeds()
  for (const line of missing) console.error(`test:e2e: missing ${line}`)
  if (missing.length > 0) return 1

  const names = await readdir(import.meta.dirname)
  const specs = names
    .filter((name) => name.endsWith('.e2e.ts'))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .toSorted()
    .map((name) => join(import.meta.dirname, name))
  if (specs.length === 0) {
    console.error(`test:e2e: no spec is called ${words.join(' or ')}`)
    return 1
  }
  const child = spawn(process.execPath, [MOCHA, ...specs], { stdio: 'inherit' })
  // Whoever stops us with Ctrl-C stops mocha too; the exit code is its own then.
  process.on('SIGINT', () => undefined)
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

process.exitCode = await main(process.argv.slice(2))
