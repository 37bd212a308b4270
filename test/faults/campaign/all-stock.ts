import { parseArgs } from 'node:util'
import { table } from '../../network/support/figures.ts'
import { writeFigures } from '../../support/figures-page.ts'
import { STOCK_PARTS, isStockPart } from '../stock/stock.ts'
import { findFault, told } from './play-stock.ts'
import type { Campaign } from './campaign.ts'
import type { StockOutcome } from './play-stock.ts'

/** Cycles that a part is given to show its fault, which comes by chance. */
const CYCLES = 40

type Load = () => Promise<{ readonly campaign: Campaign }>

/**
 * Plays every campaign with each of its stock parts in the place of ours.
 *
 * @returns the exit code: 0 when the fault of each was found
 */
export async function playAllStock(
  kinds: Readonly<Record<string, Load>>,
  args: readonly string[],
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cycles: { type: 'string', default: String(CYCLES) },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      write: { type: 'boolean', default: false },
    },
  })
  const [cycles, seed] = [Number(values.cycles), Number(values.seed)]
  const rows = [['fault', 'stock part', 'found in cycle', 'what was found']]
  const missed: string[] = []
  for (const [kind, load] of Object.entries(kinds)) {
    const { campaign } = await load()
    for (const stock of Object.keys(campaign.stock).filter(isStockPart)) {
      const how = { cycles, seed, stock, sabotage: undefined, write: false }
      const outcome = await findFault(campaign, how)
      console.log(`${kind}: ${told(outcome)}\n`)
      if (outcome.found === undefined) missed.push(`${kind}: ${told(outcome)}`)
      rows.push([kind, stock, ...cellsOf(outcome)])
    }
  }
  const lines = [
    table(rows),
    '',
    ...Object.entries(STOCK_PARTS).map(([name, what]) => `- \`${name}\`: ${what}.`),
  ]
  console.log(lines.join('\n'))
  for (const line of missed) console.error(line)
  if (missed.length > 0) return 1
  const command = `npm run faults -- stock --cycles ${cycles} --seed ${seed}`
  if (values.write) await writeFigures('stock', command, lines, 'reliability.md')
  return 0
}

function cellsOf({ cycle, found = 'nothing' }: StockOutcome): string[] {
  return [String(cycle), found.replaceAll('|', '\\|')]
}
