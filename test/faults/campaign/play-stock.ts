import { STOCK_PARTS } from '../stock/stock.ts'
import { run } from './play.ts'
import type { StockPart } from '../stock/stock.ts'
import type { Campaign } from './campaign.ts'
import type { Options } from './options.ts'

/** Errors wrap each other; deeper chains than this are no help. */
const MAX_CAUSES = 8

/** What became of a campaign with a stock part in the place of ours. */
export interface StockOutcome {
  readonly part: StockPart
  /** The cycle that failed, from 1; of those it was given, when none did. */
  readonly cycle: number
  readonly seconds: number
  /** What the campaign found, in its words; `undefined` when it found nothing. */
  readonly found: string | undefined
  /** It failed, and not by what this part is known for. */
  readonly other: unknown
}

/**
 * Plays a campaign with a stock part in the place of ours: it has to find what ours is for.
 *
 * @returns the exit code: 0 when it did, 1 when it found nothing or something else
 */
export async function playStock(
  kind: string,
  campaign: Campaign,
  options: Options & { stock: StockPart },
): Promise<number> {
  const outcome = await findFault(campaign, options)
  const command = `npm run faults -- ${kind} --stock ${options.stock} --seed ${options.seed}`
  if (outcome.other !== undefined) console.error(outcome.other)
  console.log(told(outcome))
  console.log(`again: ${command} --cycles ${options.cycles}`)
  return outcome.found === undefined ? 1 : 0
}

/** Goes on until the part has shown its fault. */
export async function findFault(
  campaign: Campaign,
  options: Options & { stock: StockPart },
): Promise<StockOutcome> {
  const part = options.stock
  console.log(`${STOCK_PARTS[part]}; up to ${options.cycles} cycles with seed ${options.seed}`)
  const { passed, seconds, failure } = await run(campaign, options)
  const known = campaign.stock[part] ?? []
  const message = messagesOf(failure).find((text) => known.some((sign) => sign.test(text)))
  const other = message === undefined ? failure : undefined
  const cycle = failure === undefined ? passed : passed + 1
  return { part, cycle, seconds, found: message, other }
}

/** One line of what was seen. */
export function told({ part, cycle, seconds, found, other }: StockOutcome): string {
  if (found !== undefined)
    return `found in cycle ${cycle}, after ${seconds} s, with ${part}: ${found}`
  if (other !== undefined)
    return `cycle ${cycle} with ${part} failed, and not by what it is known for`
  return `nothing was found in ${cycle} cycles with ${part}: the campaign would not miss our part`
}

/** First lines of an error and its causes. */
function messagesOf(failure: unknown): string[] {
  const messages: string[] = []
  let link = failure
  for (let depth = 0; depth < MAX_CAUSES && link instanceof Error; depth++) {
    const [line = ''] = link.message.split('\n')
    messages.push(line)
    link = link.cause
  }
  return messages
}
