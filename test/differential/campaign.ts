import fc from 'fast-check'
import { sequences } from './arbitrary.ts'
import { startPair } from './pair.ts'
import { Unexplained, play } from './play.ts'
import { describeUnexplained } from './report.ts'
import { Tally } from './tally.ts'
import type { Pair } from './pair.ts'
import type { Step } from './step.ts'

export interface CampaignOptions {
  /** How many sequences are played. */
  sequences: number
  /** Of the first batch; the following ones count up from it. */
  seed: number
  /** Only this sequence of the seed, as a failure before named it. */
  path?: string | undefined
  /** Pairs of registries that are used at once. */
  pairs: number
  /** The path of Distribution's `registry`. */
  program: string
  /** Where the registries have their directories. */
  directory: string
  /** Ends it before its time. */
  signal: AbortSignal
}

/** Sequences that are made from one seed. */
const BATCH = 50
/** After so many batches a pair is replaced: what the sequences leave behind makes the reference's catalog slow. */
const BATCHES_OF_A_PAIR = 20
/** Longest time that is spent on making a failure shorter, in ms. */
const SHRINKING_MS = 120_000
/** Digits of a sequence's number, so that their names are in their order. */
const DIGITS = 7

/** A difference that is not intended, and how to see it again. */
export class Finding extends Error {
  static override readonly name = 'Finding'
  override readonly name = 'Finding'
}

/** Plays random sequences on pairs of fresh registries until one finds something. */
export class Campaign {
  readonly tally = new Tally()
  readonly #options: CampaignOptions
  #batches = 0
  #prefixes = 0
  #failed: Error | undefined

  constructor(options: CampaignOptions) {
    this.#options = options
  }

  /** @throws Finding, or what went wrong otherwise */
  async run(): Promise<void> {
    const { pairs, path } = this.#options
    const workers = Array.from({ length: path === undefined ? pairs : 1 }, () => this.#work())
    await Promise.allSettled(workers)
    if (this.#failed !== undefined) throw this.#failed
  }

  get #isOver(): boolean {
    return this.#failed !== undefined || this.#options.signal.aborted
  }

  get #batchesWanted(): number {
    return this.#options.path === undefined ? Math.ceil(this.#options.sequences / BATCH) : 1
  }

  async #work(): Promise<void> {
    const { program, directory } = this.#options
    try {
      while (!this.#isOver && this.#batches < this.#batchesWanted) {
        await using pair = await startPair(program, directory)
        for (let done = 0; done < BATCHES_OF_A_PAIR; done++) {
          if (this.#isOver || this.#batches >= this.#batchesWanted) break
          await this.#batch(this.#batches++, pair)
        }
        if (!this.#isOver) checkLog(pair)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failed ??= error instanceof Error ? error : new Error(String(error))
  }

  async #batch(number: number, pair: Pair): Promise<void> {
    const { sequences: all, seed: first, path } = this.#options
    const seed = first + number
    let failedAt: number | undefined
    const property = fc.asyncProperty(sequences, async (steps) => {
      const isShrinking = failedAt !== undefined
      if (!isShrinking && this.#isOver) return
      if (isShrinking && performance.now() > (failedAt ?? 0) + SHRINKING_MS) return
      try {
        await this.#play(steps, pair)
      } catch (error) {
        // The first to fail makes its failure shorter, and the others end.
        if (this.#failed !== undefined && !isShrinking) return
        this.#fail(error)
        failedAt ??= performance.now()
        throw error
      }
    })
    const numRuns = Math.min(BATCH, all - number * BATCH)
    const replay = path === undefined ? { numRuns } : { path }
    // Not the small ones first: a sequence has to be long enough for something to happen in it.
    const details = await fc.check(property, { seed, unbiased: true, ...replay })
    if (details.failed) throw (this.#failed = findingOf(details, pair))
  }

  async #play(steps: readonly Step[], { wires }: Pair): Promise<void> {
    const prefix = `d${String(this.#prefixes++).padStart(DIGITS, '0')}`
    await play(steps, { wires, prefix, onExchange: (_, explained) => this.tally.count(explained) })
    this.tally.sequences++
  }
}

/** @throws when Heliport complained of itself */
function checkLog({ daemon }: Pair): void {
  const complaint = daemon.log.find((line) => Number(/"level":(\d+)/.exec(line)?.[1] ?? 50) >= 50)
  if (complaint !== undefined) throw new Error(`Heliport’s log has: ${complaint}`)
}

function findingOf(details: fc.RunDetails<[Step[]]>, { daemon }: Pair): Finding {
  const { seed, counterexamplePath, numShrinks, counterexample, errorInstance: error } = details
  const again = `npm run differential -- --seed ${seed} --path ${counterexamplePath}`
  const what =
    error instanceof Unexplained
      ? describeUnexplained(error)
      : `${String(error)}\n${JSON.stringify(counterexample)}\n${daemon.log.slice(-5).join('\n')}`
  return new Finding(`${what}\n\nMade shorter ${numShrinks} times. To see it again:\n  ${again}`, {
    cause: error,
  })
}
