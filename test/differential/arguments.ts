import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

/** What `npm run differential -- …` was asked for. */
export interface Arguments {
  sequences: number
  seed: number
  path: string | undefined
  pairs: number
  write: boolean
}

export const USAGE = `Usage: npm run differential -- [options]

  --sequences N   random sequences to play (500)
  --seed S        where they come from, a number (another one each time); a batch of 50 has one, the next has S + 1
  --path P        plays only the sequence that a failure named, with its --seed
  --pairs N       pairs of registries at once (one for each two processors)
  --write         writes the list of intended differences, and the figures of this run, to docs/differential.md`

/** @throws with a message for the user when an option is not known, or not a number */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sequences: { type: 'string', default: '500' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      path: { type: 'string' },
      pairs: { type: 'string', default: String(Math.ceil(availableParallelism() / 2)) },
      write: { type: 'boolean', default: false },
    },
  })
  if (values.path !== undefined && !/^\d+(:\d+)*$/.test(values.path))
    throw new Error(`--path is what a failure printed, not ${values.path}`)
  return {
    sequences: numberOf('sequences', values.sequences, 1),
    seed: numberOf('seed', values.seed, 0),
    path: values.path,
    pairs: numberOf('pairs', values.pairs, 1),
    write: values.write,
  }
}

function numberOf(option: string, text: string, least: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number
  throw new Error(`--${option} is a whole number from ${least} on, not ${text}`)
}
