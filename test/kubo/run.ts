import { missingForNamespaces } from '../support/namespaces.ts'
import { runSuite } from '../support/suite.ts'
import { missingNeeds } from './support/needs.ts'
import { Uplink } from './support/uplink.ts'

/*
 * `npm run test:kubo`: the specs with a real Kubo. `npm run test:kubo -- pubsub` runs those whose file name holds the
 * word. What is missing on this machine is named, and the exit code is 2 then.
 *
 * Everything is on loopback. As root on Linux the whole suite runs where there is nothing else but an uplink that
 * leads nowhere, and fails when a single packet went there.
 */

async function main(words: readonly string[]): Promise<number> {
  const missing = await missingNeeds()
  for (const line of missing) console.error(`test:kubo: missing ${line}`)
  if (missing.length > 0) return 2

  const suite = { name: 'test:kubo', directory: import.meta.dirname, words }
  if (missingForNamespaces().length > 0) return runSuite(suite)
  using uplink = new Uplink()
  const code = await runSuite({ ...suite, inside: uplink.inside })
  const sent = uplink.packets()
  console.log(`test:kubo: ${sent} packets wanted out of this machine`)
  return code === 0 && sent > 0 ? 1 : code
}

process.exitCode = await main(process.argv.slice(2))
