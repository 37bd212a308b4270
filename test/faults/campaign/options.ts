import { parseArgs } from 'node:util'
import type { Campaign } from './campaign.ts'

export interface Options {
  readonly cycles: number
  readonly seed: number
  readonly sabotage: string | undefined
  readonly write: boolean
}

/**
 * Reads the options of a campaign.
 *
 * @returns `undefined` when the help was asked for, and shown
 * @throws Error for a person
 */
export function readOptions(
  args: readonly string[],
  kind: string,
  { about, usual, sabotages }: Campaign,
): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cycles: { type: 'string', default: String(usual) },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      sabotage: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(help(kind, about, usual, sabotages))
    return undefined
  }
  const { sabotage, write } = values
  if (sabotage !== undefined && !Object.hasOwn(sabotages, sabotage))
    throw new Error(`--sabotage is one of: ${Object.keys(sabotages).join(', ')}`)
  return {
    cycles: wholeNumber('cycles', values.cycles, 1),
    seed: wholeNumber('seed', values.seed, 0),
    sabotage,
    write,
  }
}

function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number
  throw new Error(`--${option} is a whole number from ${least} on, not ${text}`)
}

function help(
  kind: string,
  about: string,
  usual: number,
  sabotages: Campaign['sabotages'],
): string {
  const lines = Object.entries(sabotages).map(([name, what]) => `      ${name.padEnd(10)} ${what}`)
  return [
    `npm run faults -- ${kind}: ${about}`,
    '',
    `  --cycles N     how many (${usual})`,
    '  --seed S       where the choices come from (another one each time)',
    '  --write        puts the figures into docs/reliability.md',
    '  --sabotage W   breaks something on purpose, to see it found:',
    ...lines,
  ].join('\n')
}
