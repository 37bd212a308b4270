import assert from 'node:assert/strict'
import { Lane, Unjudged } from '../lane.ts'
import type { Case } from '../case.ts'
import type { Seen } from '../lane.ts'
import type { Question } from '../judge/questions.ts'
import type { Got } from '../judge/ask.ts'

const MiB = 2 ** 20

const ATTEMPTS = 3

/** One small registry, in which every change finds something to change. */
const PLAN: Case['plan'] = {
  repositories: [
    {
      name: 'app',
      images: [
        { layers: [5000, MiB + 1], referrers: 1 },
        { layers: [100, 0], referrers: 0 },
      ],
      hasIndex: true,
    },
  ],
}

const STYLES: Case['styles'] = {
  honest: { file: 'ours', folder: 'flat' },
  hostile: { file: 'kubo', folder: 'flat' },
}

/** One answer, and what it was the answer to. */
export interface Answer {
  readonly question: Question
  readonly got: Got
}

/** Where rows are played: a hostile and an honest peer, and a daemon that follows both. */
export class Arena {
  #lane: Lane | undefined
  /** What was answered in the row that is played. */
  readonly answers: Answer[] = []

  /** Starts it before the specs of this block, and ends it after them. */
  use(): this {
    before(async () => {
      this.#lane = await Lane.start(`table ${Date.now()}`, (question, got) => {
        this.answers.push({ question, got })
      })
      // Restarts are for the generator to try; here they would only take time.
      this.#lane.casesOfADaemon = 30
    })
    beforeEach(() => void this.answers.splice(0))
    after(() => this.#lane?.[Symbol.asyncDispose]())
    return this
  }

  get lane(): Lane {
    return this.#lane ?? assert.fail('the arena is open only inside its describe')
  }

  /** Plays one hostile mirror, which is judged as the generated ones are; again when the machine was too busy to tell. */
  async play(one: Partial<Case>): Promise<Seen> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#play(one)
      } catch (error) {
        if (!(error instanceof Unjudged) || attempt === ATTEMPTS) throw error
      }
    }
  }

  #play(one: Partial<Case>): Promise<Seen> {
    return this.lane.play({
      plan: PLAN,
      styles: STYLES,
      changes: [],
      trick: undefined,
      manner: undefined,
      isAlone: false,
      ...one,
    })
  }
}
