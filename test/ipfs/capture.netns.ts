/**
 * What each quiet mode puts on the wire: three daemons on hosts of their own push, mirror and pull, while tcpdump listens
 * at each cable; a stranger looks in. Not a part of `npm test`: it needs Linux, root, iproute2 and tcpdump.
 *
 *     sudo node test/ipfs/capture.netns.ts [offline|private|lan …] [--write]
 *
 * `--write` puts the result into docs/network.md. Exit codes: 1 something went out of scope, 2 something is missing here.
 */
import { writeFigures } from '../support/figures-page.ts'
import { missingForNamespaces } from '../support/namespaces.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { findProgram } from '../tools/find.ts'
import { MODES, play, stray } from './capture/scenes.ts'
import { Stage } from './capture/stage.ts'
import type { Mode, Outcome } from './capture/scenes.ts'

const words = process.argv.slice(2)
const modes = MODES.filter((mode) => words.includes(mode))
process.exitCode = await main(modes.length === 0 ? MODES : modes, words.includes('--write'))

async function main(wanted: readonly Mode[], write: boolean): Promise<number> {
  const missing = missingForNamespaces()
  if ((await findProgram('tcpdump')) === undefined) missing.push('tcpdump: apt-get install tcpdump')
  for (const line of missing) console.error(`missing: ${line}`)
  if (missing.length > 0) return 2
  const outcomes = await capture(wanted)
  const lines = table(outcomes)
  console.log(lines.join('\n'))
  const violations = outcomes.flatMap(({ mode, verdict }) =>
    verdict.violations.map((line) => `${mode}: ${line}`),
  )
  for (const line of violations) console.error(`out of scope: ${line}`)
  if (violations.length > 0) return 1
  if (write) await writeFigures('capture', 'sudo node test/ipfs/capture.netns.ts --write', lines)
  return 0
}

async function capture(wanted: readonly Mode[]): Promise<Outcome[]> {
  await using directory = await temporaryDirectory()
  await using stage = await Stage.open(directory.path, ['a', 'b', 'c', 'stranger'])
  const [a, b, c, stranger] = stage.hosts
  if (!a || !b || !c || !stranger) throw new Error('a host is missing')
  const cast = [a, b, c, stranger] as const
  const outcomes: Outcome[] = []
  for (const mode of wanted) {
    console.error(`${mode} …`)
    outcomes.push(await play(mode, cast, directory.path))
  }
  // Last, because kernels go on about it for a while.
  await stray(cast)
  return outcomes
}

function table(outcomes: readonly Outcome[]): string[] {
  return [
    '| mode | packets sent | TCP with peers | mDNS | ARP and the like | out of scope | a stranger |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...outcomes.map(({ mode, verdict, strangers }) => {
      const { sent, peers, mdns, kernel, violations } = verdict
      const seen = strangers.length === 0 ? 'cannot even try' : strangers.join('; ')
      return `| \`${mode}\` | ${[sent, peers, mdns, kernel, violations.length, seen].join(' | ')} |`
    }),
  ]
}
