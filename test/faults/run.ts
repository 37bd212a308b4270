import { KINDS } from './kinds.ts'
import { NoShim } from './shim/shim.ts'
import { readOptions } from './campaign/options.ts'
import { playAllStock } from './campaign/all-stock.ts'
import { play } from './campaign/play.ts'
import { playStock } from './campaign/play-stock.ts'

async function main([kind = '--help', ...args]: readonly string[]): Promise<number> {
  if (kind === 'stock') return playAllStock(KINDS, args)
  const isHelp = ['--help', '-h', 'help'].includes(kind)
  if (!isHelp && !Object.hasOwn(KINDS, kind)) {
    console.error(`faults: there is no ${kind}\n`)
    await showHelp()
    return 1
  }
  if (isHelp) {
    await showHelp()
    return 0
  }
  const found = await KINDS[kind]?.()
  if (found === undefined) return 1
  const options = readOptions(args, kind, found.campaign)
  if (options === undefined) return 0
  const { stock } = options
  if (stock === undefined) return play(kind, found.campaign, options)
  return playStock(kind, found.campaign, { ...options, stock })
}

async function showHelp(): Promise<void> {
  const lines = await Promise.all(
    Object.entries(KINDS).map(async ([name, load]) => {
      const { about } = (await load()).campaign
      return `  ${name.padEnd(12)} ${about.split('\n')[0]}`
    }),
  )
  console.log(`npm run faults -- <kind> [--cycles N] [--seed S] [--sabotage <what> | --stock <part>] [--write]

${lines.join('\n')}
  ${'stock'.padEnd(12)} all of these with stock parts in the place of ours, which have to be found wanting

Each says with --help what a cycle of it is. A real daemon, as a process of its own, and a model of what it acknowledged.
The same seed makes the same choices; what comes of them depends on the clock too. With --write the figures, dated, go
into docs/reliability.md. It ends with 0 when nothing was wrong, 1 when something was, and 2 when this machine lacks
something that it names. With --sabotage something is broken on purpose, and it has to be found. With --stock a stock part (of
Helia) stands in the place of ours: then 0 means that what it lacks was found.`)
}

// Leaving by the front door ends what was started, and removes its data.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
try {
  // A campaign that could not start has left daemons behind, which would keep us from ending.
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  console.error('faults:', error instanceof NoShim ? error.message : error)
  process.exit(error instanceof NoShim ? 2 : 1)
}
