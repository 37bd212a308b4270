import { WrongAnswer, askAll } from './judge/ask-all.ts'
import { audit } from './judge/audit.ts'
import { honestQuestions, suggestedQuestions } from './judge/questions.ts'
import { Starvation } from './judge/starvation.ts'
import { drawMirrors } from './hostile-mirror.ts'
import { MANNERS, honest } from './peer/manners.ts'
import { TestPeer } from './peer/peer.ts'
import { RECORD_TRICKS } from './peer/records.ts'
import { Session } from './session.ts'
import type { Case } from './case.ts'
import type { Mirrors } from './hostile-mirror.ts'
import type { OnAnswer } from './judge/ask-all.ts'
import type { Question } from './judge/questions.ts'
import type { Sources } from './session.ts'

/** Longest that the event loop may be held, in ms of processor time. */
const HELD_MS = 200
/** Most memory that hostile input may cost, in bytes. */
const MEMORY = 256 * 2 ** 20
/** What was seen in one case. */
export interface Seen {
  readonly changes: readonly string[]
  readonly trick: string | undefined
  readonly manner: string | undefined
  readonly heldMs: number
  /** More memory than the daemon had when it was new, in bytes. */
  readonly memory: number
  /** Mappings that were looked at after the daemon had stopped; of all its cases. */
  readonly trusted: number
}

/** Something that must not happen. */
export class Broken extends Error {
  static override readonly name = 'Broken'
  override readonly name = 'Broken'
}

/** The machine had so much else to do that what came late says nothing. */
export class Unjudged extends Error {
  static override readonly name = 'Unjudged'
  override readonly name = 'Unjudged'
}

/** A daemon, or we, that are kept from running for more of the time than this cannot be judged by the clock. */
const STARVED = 0.1

/** A pair of peers and a daemon that follows them, for one case after the other. */
export class Lane implements AsyncDisposable {
  /** Each case has a daemon of its own, and everything is looked at: for finding out what a failure needs. */
  isCareful = false
  /** Cases that one daemon has to live through. */
  casesOfADaemon = 10
  readonly #sources: Sources
  readonly #salt: string
  readonly #onAnswer: OnAnswer
  readonly #own = new Starvation(5)
  #session: Session | undefined
  #cases = 0
  #number = 0

  private constructor(sources: Sources, salt: string, onAnswer: OnAnswer) {
    this.#sources = sources
    this.#salt = salt
    this.#onAnswer = onAnswer
  }

  /** @param salt makes the contents of this lane like no others */
  static async start(salt: string, onAnswer: OnAnswer = () => undefined): Promise<Lane> {
    const sources = { honest: await TestPeer.start(), hostile: await TestPeer.start() }
    return new Lane(sources, salt, onAnswer)
  }

  /** What the peers were asked for. */
  get sources(): Sources {
    return this.#sources
  }

  /**
   * Plays one case, and judges it.
   *
   * @throws Broken with what must not be; Unjudged
   */
  async play(one: Case): Promise<Seen> {
    this.#own.take()
    try {
      return await this.#play(one)
    } catch (error) {
      if (error instanceof WrongAnswer && error.isLate && (await this.#isStarved())) {
        await this.#end()
        throw new Unjudged(error.message, { cause: error })
      }
      const log = this.#session?.watched.daemon.log.slice(-8).join('\n') ?? ''
      await this.#end()
      throw new Broken(`${error instanceof Error ? error.message : String(error)}\n${log}`, {
        cause: error,
      })
    }
  }

  async #isStarved(): Promise<boolean> {
    const reading = await this.#session?.watched.read()
    return Math.max(this.#own.take(), reading?.starved ?? 0) > STARVED
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#own[Symbol.dispose]()
    await this.#end()
    await this.#sources.honest[Symbol.asyncDispose]()
    await this.#sources.hostile[Symbol.asyncDispose]()
  }

  async #play(one: Case): Promise<Seen> {
    const mirrors = await drawMirrors(one, `${this.#salt}/${this.#number++}`)
    const session = (this.#session ??= await Session.start(this.#sources))
    const { hostile, honest: good } = this.#sources
    hostile.reset()
    good.reset()
    const manner = one.manner === undefined ? undefined : MANNERS[one.manner]
    hostile.manner = manner?.manner ?? honest
    const record = await session.publish(mirrors.honest, mirrors.hostile)
    if (one.trick !== undefined) await this.#trick(session, one.trick, mirrors, record)
    const questions = questionsOf(one, mirrors)
    await askAll(session.url, questions, this.#onAnswer)
    const seen = await this.#measure(session)
    await this.#checkRoot(session, one, mirrors)
    let trusted = 0
    const isLast = ++this.#cases >= this.casesOfADaemon
    if (isLast || this.isCareful || one.trick !== undefined || manner?.isSlow === true)
      trusted = await this.#finish(session, one, mirrors, questions)
    const { trick } = one
    return { ...seen, changes: mirrors.changes, trick, manner: one.manner, trusted }
  }

  async #trick(
    session: Session,
    name: string,
    { hostile, honest: good }: Mirrors,
    record: Uint8Array,
  ): Promise<void> {
    const trick = RECORD_TRICKS.find((each) => each.name === name)
    if (trick === undefined) throw new Error(`there is no record "${name}"`)
    const scene = { owner: session.hostile, good: hostile.root, other: good.root, record }
    await this.#sources.hostile.announce(session.hostile.name, await trick.make(scene))
  }

  /** @throws when the event loop was held, or memory was taken */
  async #measure({ watched, base }: Session): Promise<{ heldMs: number; memory: number }> {
    const { heldMs, rss } = await watched.read()
    const memory = Math.max(0, rss - base)
    if (heldMs > HELD_MS) throw new Error(`the event loop was held for ${Math.round(heldMs)} ms`)
    if (memory > MEMORY) throw new Error(`${Math.round(memory / 2 ** 20)} MiB more are in memory`)
    return { heldMs, memory }
  }

  /** A record that is not followed must not have moved the name. */
  async #checkRoot(session: Session, { trick }: Case, { honest: good, hostile }: Mirrors) {
    // A tree of which only blocks are missing, say, has the root of the honest one anyway.
    const other = good.root.toString()
    if (trick === undefined || hostile.root.toString() === other) return
    const [mirror] = (await session.status()).mirrors
    if (mirror?.root === other)
      throw new Error(`the name moved by a record that must not be followed: ${trick}`)
  }

  /** Asks again after a restart, by peers that have repented, and looks into the data. */
  async #finish(
    session: Session,
    one: Case,
    mirrors: Mirrors,
    questions: readonly Question[],
  ): Promise<number> {
    this.#sources.hostile.manner = honest
    await session.restart()
    await session.followed(mirrors.honest, mirrors.hostile)
    const again = questions.filter(({ rule, range }) => rule.kind !== 'list' && range === undefined)
    await askAll(session.url, again, this.#onAnswer)
    await this.#checkRoot(session, one, mirrors)
    await session.watched.daemon.stop()
    const trusted = await audit(session.watched.daemon.data)
    await this.#end()
    return trusted
  }

  async #end(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    this.#cases = 0
    await session?.[Symbol.asyncDispose]()
  }
}

function questionsOf({ isAlone }: Case, { registry, suggest }: Mirrors): Question[] {
  const all = honestQuestions(registry)
  const honestOnes = isAlone ? all.map(forgiving) : all
  return [...honestOnes, ...suggestedQuestions(suggest)]
}

/** Nobody has it but the hostile mirror: it may be missing, but not wrong. */
function forgiving(question: Question): Question {
  const { rule } = question
  return {
    ...question,
    isHonest: false,
    rule: rule.kind === 'list' ? { ...rule, has: [] } : rule,
  }
}
