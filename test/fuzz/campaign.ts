import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { HonestClient, KeptImages } from './honest.ts'
import { PlayError, play } from './player.ts'
import { Reached } from './reached.ts'
import { sequences } from './stories.ts'
import { Tally } from './tally.ts'
import type { Step } from './plan.ts'
import type { Stage } from './player.ts'
import type { Target } from './target.ts'

export interface CampaignOptions {
  seed: number
  /** Clients at once. */
  clients: number
  /** Only this sequence of the seed, as a failure before named it. */
  path?: string | undefined
}

/** Sequences that are checked under one seed: a failure is found again by that seed and its path in it. */
const SEQUENCES = 50
/** Between the seeds of two clients. */
const STRIDE = 1_000_003
/** Longest time that is spent on making a failure shorter, in ms. */
const SHRINKING_MS = 60_000
/** How long it may take until it is known that the daemon has died, in ms: its connections close first. */
const DEATH_MS = 200
/** Sessions on disk at which those that nobody knows are cancelled; at 1000 the daemon takes no more. */
const MANY_UPLOADS = 400

/** What went wrong, and how to see it again. */
export class FuzzFailure extends Error {
  static override readonly name = 'FuzzFailure'
  override readonly name = 'FuzzFailure'
  readonly seed: number
  readonly path: string | undefined

  constructor(message: string, how: { seed: number; path?: string | undefined; cause?: unknown }) {
    super(message, { cause: how.cause })
    this.seed = how.seed
    this.path = how.path
  }
}

/** Many clients who send whatever the generator thinks of, and one who does everything right. */
export class Campaign {
  readonly tally = new Tally()
  readonly reached = new Reached()
  readonly #target: Target
  readonly #options: CampaignOptions
  readonly #kept = new KeptImages()
  readonly #honest: HonestClient
  /** How many seeds each client has used up. */
  readonly #rounds: number[]
  readonly #sequences: fc.Arbitrary<Step[]>
  #stage: Stage | undefined
  #wanted = 0
  #failure: Error | undefined

  constructor(target: Target, options: CampaignOptions) {
    this.#target = target
    this.#options = options
    this.#sequences = sequences({ logsIn: target.mode !== 'open' })
    this.#honest = new HonestClient(target.client)
    this.#rounds = Array.from({ length: options.clients }, () => 0)
  }

  /** Pushes what must be there at the end. */
  async prepare(): Promise<void> {
    const kept = await this.#kept.push(this.#target.client)
    const { http, control, scratch, mode } = this.#target
    const { storage } = await this.#target.status()
    const around = { kept, root: storage.root, scratch }
    const onRequest: Stage['onRequest'] = (status, asked) => {
      this.tally.count(status)
      if (asked !== undefined) this.reached.note(asked.door, asked.request, status)
    }
    this.#stage = { http, control, around, isGuarded: mode !== 'open', onRequest }
  }

  /**
   * Runs until so many requests were sent in all, about.
   *
   * @throws FuzzFailure for the first thing that went wrong
   */
  async run(requests: number): Promise<void> {
    this.#wanted = requests
    const { path, seed } = this.#options
    const all =
      path === undefined
        ? [...this.#rounds.map((_, n) => this.#client(n)), this.#behave(), this.#watch()]
        : [this.#check(seed, path)]
    for (const result of await Promise.allSettled(all))
      if (result.status === 'rejected') this.#failure ??= result.reason as Error
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Cancels every upload that is open. @throws when one stays */
  async endUploads(): Promise<void> {
    await this.#target.cancelUploads(0)
    const { storage } = await this.#target.status()
    if (storage.uploads !== 0) throw new Error(`${storage.uploads} uploads cannot be cancelled`)
  }

  /** Pulls what was pushed before the fuzzing, and what the good client pushed meanwhile. @throws when a byte differs */
  async verify(): Promise<void> {
    await this.#kept.verify(this.#target.client)
    await this.#honest.verify()
  }

  get #isOver(): boolean {
    return this.#failure !== undefined || this.tally.requests >= this.#wanted
  }

  /** Each client has seeds of its own, so that one client's failure can be seen again without the others. */
  async #client(number: number): Promise<void> {
    while (!this.#isOver) {
      const round = this.#rounds[number] ?? 0
      this.#rounds[number] = round + 1
      await this.#check(this.#options.seed + number * STRIDE + round)
    }
  }

  async #check(seed: number, path?: string): Promise<void> {
    let failedAt: number | undefined
    const property = fc.asyncProperty(this.#sequences, async (steps) => {
      if (failedAt === undefined ? this.#isOver : performance.now() > failedAt + SHRINKING_MS)
        return
      try {
        await this.#play(steps)
      } catch (error) {
        // The first to fail makes its failure shorter, while the others hold still.
        if (this.#failure !== undefined && failedAt === undefined) return
        this.#failure ??= error as Error
        failedAt ??= performance.now()
        throw error
      }
    })
    const replay = path === undefined ? {} : { path }
    const details = await fc.check(property, { seed, numRuns: SEQUENCES, ...replay })
    if (!details.failed) return
    this.#failure = failureOf(details)
    throw this.#failure
  }

  async #play(steps: readonly Step[]): Promise<void> {
    if (this.#stage === undefined) throw new Error('prepare() comes first')
    if (!this.#target.alive) await this.#target.daemon.restart()
    try {
      await play(steps, this.#stage)
    } catch (error) {
      await pause(DEATH_MS)
      if (this.#target.alive) throw error
      const log = this.#target.daemon.log.slice(-15).join('\n')
      const transcript = error instanceof PlayError ? error.transcript : ''
      throw new PlayError(new Error(`the daemon has died:\n${log}`, { cause: error }), transcript)
    }
  }

  /** The good client, and the pulse. */
  async #behave(): Promise<void> {
    while (!this.#isOver) {
      try {
        this.tally.countGood(await this.#honest.round())
        this.tally.pulse(await this.#target.pulse())
      } catch (error) {
        // When the daemon has died, whoever killed it tells more.
        if (!this.#target.alive) return
        const { message } = error as Error
        const { seed } = this.#options
        this.#failure ??= new FuzzFailure(`a good client was refused: ${message}`, {
          seed,
          cause: error,
        })
        throw this.#failure
      }
      await pause(20)
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const memory = await this.#target.memoryNow()
      if (memory !== undefined) this.tally.memory(memory)
      await this.#cancelForgotten()
      await pause(500)
    }
  }

  async #cancelForgotten(): Promise<void> {
    try {
      const { storage } = await this.#target.status()
      if (storage.uploads > MANY_UPLOADS) await this.#target.cancelUploads(30_000)
    } catch (error) {
      // When the daemon has died, whoever killed it tells more.
      if (this.#target.alive) throw error
    }
  }
}

function failureOf(details: fc.RunDetails<[Step[]]>): FuzzFailure {
  const { seed, counterexamplePath, numShrinks, errorInstance: error } = details
  const message = error instanceof Error ? error.message : String(error)
  const transcript = error instanceof PlayError ? error.transcript : ''
  return new FuzzFailure(
    `${message}\nThe shortest sequence that showed it, made shorter ${numShrinks} times:\n${transcript}`,
    { seed, path: counterexamplePath ?? undefined, cause: error },
  )
}
