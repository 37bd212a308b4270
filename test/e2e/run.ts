import { runSuite } from '../support/suite.ts'
import { missingNeeds } from './support/needs.ts'

/*
 * `npm run test:e2e`: the specs that need real tools. `npm run test:e2e -- docker skopeo` runs those whose file name
 * holds one of the words. What is missing on this machine is named, and nothing is skipped for it.
 */

async function main(words: readonly string[]): Promise<number> {
  const missing = await missingNeeds()
  for (const line of missing) console.error(`test:e2e: missing ${line}`)
  if (missing.length > 0) return 1
  return runSuite({ name: 'test:e2e', directory: import.meta.dirname, words })
}

process.exitCode = await main(process.argv.slice(2))
