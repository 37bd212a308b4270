import type { SeededRandom } from '../random.ts'
import type { StockPart } from '../stock/stock.ts'

/** What a campaign is given for its cycles. */
export interface Ground {
  readonly random: SeededRandom
  readonly seed: number
  /** How many there will be, if none fails. */
  readonly cycles: number
  /** What is broken on purpose, one of the campaign's. */
  readonly sabotage: string | undefined
  /** The stock part that stands in the place of ours. */
  readonly stock: StockPart | undefined
  /** A directory that is removed at the end. */
  readonly directory: string
}

/** One that is under way: {@link cycle} again and again, then the figures. */
export interface Running extends AsyncDisposable {
  /** @throws what is wrong with the daemon */
  cycle(number: number): Promise<void>
  /** What is worth telling, in Markdown; of the cycles that passed. */
  figures(): string[]
}

/** A kind of fault, again and again. */
export interface Campaign {
  /** What it is, in a line; then what a cycle is. */
  readonly about: string
  /** Cycles when nobody says how many. */
  readonly usual: number
  /** What can be broken on purpose, and what that is. */
  readonly sabotages: Readonly<Record<string, string>>
  /** Stock parts that it finds fault with, and what it says then. */
  readonly stock: Readonly<Partial<Record<StockPart, readonly RegExp[]>>>
  /** @throws NoShim where this machine lacks something */
  start(ground: Ground): Promise<Running>
}
