import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What can be run: the file that has it, and what for. It exports `main(args)`, or runs as soon as it is imported. */
const SUBJECTS: Readonly<Record<string, readonly [file: string, what: string]>> = {
  latency: ['latency.ts', 'from the 201 of a push to its pull through a mirror'],
  'cold-pull': [
    'cold-pull.ts',
    'a large blob through a mirror, beside bitswap, one bare stream and Kubo',
  ],
  swarm: ['swarm.ts', 'many mirrors that pull one image at once: what their source sends'],
  naming: ['../naming/model.ts', 'random histories of names: nothing moves back'],
  hostile: ['../hostile/run.ts', 'generated evil trees and records: nothing wrong is completed'],
  wire: ['../wire/run.ts', 'hosts on a wire that is slow, loses, or is cut'],
  capture: ['../ipfs/capture.netns.ts', 'packets of each mode: nothing leaves its scope'],
}

const HELP = `npm run network -- <what> [--help] [--write] [--quick] …

${Object.entries(SUBJECTS)
  .map(([name, [, what]]) => `  ${name.padEnd(10)} ${what}`)
  .join('\n')}

Each has options of its own (--help). With --write it puts its figures, dated, into docs/network.md; with --quick it is
done in seconds, and only shows that it works. It ends with 0 when it ran, whatever the figures are, 1 when something
was wrong, and 2 when this machine lacks something that it names.`

interface Subject {
  main?(args: string[]): Promise<number>
}

async function main([what = '--help', ...args]: readonly string[]): Promise<number> {
  if (what === '--help' || what === '-h' || what === 'help') {
    console.log(HELP)
    return 0
  }
  if (!Object.hasOwn(SUBJECTS, what)) {
    console.error(`network: there is no ${what}\n\n${HELP}`)
    return 1
  }
  const [file] = SUBJECTS[what] ?? ['']
  const path = join(import.meta.dirname, file)
  if (!existsSync(path)) {
    console.error(
      `network: ${what} cannot be run, because test/${join('network', file)} is not here`,
    )
    return 2
  }
  const subject = (await import(pathToFileURL(path).href)) as Subject
  return (await subject.main?.([...args])) ?? Number(process.exitCode ?? 0)
}

// Leaving by the front door ends what was started, and removes its data.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error('network: it went wrong:', error)
  process.exitCode = 1
}
