import { parseArgs } from 'node:util'
import { STOCK_PARTS, isStockPart } from '../stock/stock.ts'
import type { StockPart } from '../stock/stock.ts'
import type { Campaign } from './campaign.ts'

export interface Options {
  readonly cycles: number
  readonly seed: number
  readonly sabotage: string | undefined
  readonly stock: StockPart | undefined
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
  campaign: Campaign,
): Options | undefined {
  const { usual, sabotages } = campaign
  const { values } = parseArgs({
    args: [...args],
    options: {
      cycles: { type: 'string', default: String(usual) },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      sabotage: { type: 'string' },
      stock: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(help(kind, campaign))
    return undefined
  }
  const { sabotage, write } = values
  if (sabotage !== undefined && !Object.hasOwn(sabotages, sabotage))
    throw new Error(`--sabotage is one of: ${Object.keys(sabotages).join(', ')}`)
  const stock = stockPart(values.stock, campaign)
  if (sabotage !== undefined && stock !== undefined)
    throw new Error(
      '--sabotage and --stock are for two runs: who could tell which of them was found?',
    )
  return {
    cycles: wholeNumber('cycles', values.cycles, 1),
    seed: wholeNumber('seed', values.seed, 0),
    sabotage,
    stock,
    write,
  }
}

function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number
  throw new Error(`--${option} is a whole number from ${least} on, not ${text}`)
}

function stockPart(name: string | undefined, { stock }: Campaign): StockPart | undefined {
  if (name === undefined) return undefined
  if (isStockPart(name) && stock[name] !== undefined) return name
  throw new Error(`--stock is one of: ${Object.keys(stock).join(', ') || '(none here)'}`)
}

function help(kind: string, { about, usual, sabotages, stock }: Campaign): string {
  const line = ([name, what]: [string, string]): string => `      ${name.padEnd(14)} ${what}`
  const parts = Object.entries(STOCK_PARTS).filter(([name]) => Object.hasOwn(stock, name))
  return [
    `npm run faults -- ${kind}: ${about}`,
    '',
    `  --cycles N     how many (${usual})`,
    '  --seed S       where the choices come from (another one each time)',
    '  --write        puts the figures into docs/reliability.md',
    '  --sabotage W   breaks something on purpose, to see it found:',
    ...Object.entries(sabotages).map(line),
    '  --stock P      puts a stock part in the place of ours; ends with 0 when its fault was found:',
    ...parts.map(line),
  ].join('\n')
}
