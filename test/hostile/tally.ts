import { mebibytes } from '../fuzz/memory.ts'
import type { Got } from './judge/ask.ts'
import type { Question } from './judge/questions.ts'
import type { Seen } from './lane.ts'

/** What was played, and the worst of what was seen. */
export class Tally {
  cases = 0
  /** Cases in which something came late while the machine did much else. */
  unjudged = 0
  answers = 0
  /** Connections that broke before an answer was whole: so clients are told of a lie that was found out late. */
  cut = 0
  /** Mappings found true in the data of stopped daemons. */
  trusted = 0
  longestHeldMs = 0
  mostMemory = 0
  slowestMs = 0
  readonly began = performance.now()
  #longest: readonly string[] = []
  #most: readonly string[] = []
  readonly #counts = new Map<string, number>()

  answer(_: Question, { isComplete, firstByteMs }: Got): void {
    this.answers++
    if (!isComplete) this.cut++
    this.slowestMs = Math.max(this.slowestMs, firstByteMs)
  }

  count({ changes, trick, manner, heldMs, memory, trusted }: Seen): void {
    this.cases++
    this.trusted += trusted
    const names = [...changes, trick, manner && `the peer ${manner}`].filter(
      (name) => name !== undefined,
    )
    if (heldMs > this.longestHeldMs) this.#longest = names
    if (memory > this.mostMemory) this.#most = names
    this.longestHeldMs = Math.max(this.longestHeldMs, heldMs)
    this.mostMemory = Math.max(this.mostMemory, memory)
    for (const name of names) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  leave(why: string): void {
    this.unjudged++
    console.log(`not judged, for the machine is busy: ${why}`)
  }

  /** How often each way to be hostile was played, by name. */
  get counts(): [string, number][] {
    return [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
  }

  get seconds(): number {
    return (performance.now() - this.began) / 1000
  }

  /** How far it is. */
  get line(): string {
    return [
      `${this.cases} cases`,
      ...(this.unjudged === 0 ? [] : [`${this.unjudged} not judged`]),
      `${this.answers} answers (${this.cut} cut)`,
      `loop held ${Math.round(this.longestHeldMs)} ms`,
      `memory +${mebibytes(this.mostMemory)}`,
      `slowest first byte ${Math.round(this.slowestMs)} ms`,
      `${Math.round(this.seconds)} s`,
    ].join(' · ')
  }

  get report(): string {
    const rows = this.counts.map(([name, count]) => `${String(count).padStart(8)}  ${name}`)
    const worst = [
      `held longest by: ${this.#longest.join(', ')}`,
      `most memory for: ${this.#most.join(', ')}`,
    ]
    return [...rows, ...worst, this.line].join('\n')
  }
}
