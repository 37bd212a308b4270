import { runSuite } from '../support/suite.ts'
import { howToGet } from '../tools/catalog.ts'
import { findProgram, findTool } from '../tools/find.ts'

/*
 * `npm run test:signing`: signatures by the real cosign, pulled by real clients through mirrors and from repositories that
 * want them. What is missing on this machine is named, and nothing is skipped for it.
 */

async function main(words: readonly string[]): Promise<number> {
  const missing: string[] = []
  for (const name of ['cosign', 'crane', 'oras'] as const)
    if ((await findTool(name)) === undefined) missing.push(`${name}: ${howToGet(name)}`)
  for (const name of ['skopeo', 'podman'])
    if ((await findProgram(name)) === undefined) missing.push(`${name}: apt-get install ${name}`)
  for (const line of missing) console.error(`test:signing: missing ${line}`)
  if (missing.length > 0) return 1
  return runSuite({ name: 'test:signing', directory: import.meta.dirname, words })
}

process.exitCode = await main(process.argv.slice(2))
