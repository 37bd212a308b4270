import type { CID } from 'multiformats/cid'

/** What must never happen did. */
export class Violation extends Error {
  static override readonly name = 'Violation'
  override readonly name = 'Violation'
}

/** What one writer told under its key since it was set up, or since a backup took its place. */
interface Told {
  readonly values: Map<bigint, string>
  last: bigint
}

/** What one mirror served since it was set up, or since a backup took its place. */
interface Served {
  readonly roots: Map<bigint, string>
  last: bigint
}

/** Holds every node to promise I6, whatever happens to it: nothing moves back, and a sequence means one thing. */
export class Watch {
  readonly #told = new Map<string, Told>()
  readonly #served = new Map<string, Served>()
  /** Writers that stand still, because they have met another one: so it is on their disks. */
  readonly #standing = new Set<string>()
  /** Of these the ones that were told to go on. */
  readonly #ordered = new Set<string>()
  /** Roots that no record of the owner ever named. */
  readonly #evil = new Set<string>()
  /** How often something was looked at. */
  checks = 0
  #found: string | undefined

  /** @throws Violation for the first thing that was found: nodes catch what is thrown inside of them */
  check(): void {
    if (this.#found !== undefined) throw new Violation(this.#found)
  }

  #report(what: string): void {
    this.#found ??= what
  }

  evil(root: CID): void {
    this.#evil.add(root.toString())
  }

  isEvil(root: CID): boolean {
    return this.#evil.has(root.toString())
  }

  /** A writer tells a record. */
  told(writer: string, { sequence, value }: { sequence: bigint; value: string }): void {
    this.checks++
    const told = this.#told.get(writer) ?? { values: new Map(), last: -1n }
    this.#told.set(writer, told)
    const before = told.values.get(sequence)
    if (before !== undefined && before !== value)
      this.#report(`${writer} used sequence ${sequence} for ${before}, then for ${value}`)
    if (sequence < told.last) this.#report(`${writer} told sequence ${sequence} after ${told.last}`)
    told.values.set(sequence, value)
    told.last = sequence
  }

  /** A writer begins another life, with this on its disk. What it was told to do before that counts no more. */
  begins(writer: string, isStanding: boolean): void {
    this.stands(writer, isStanding)
    this.#ordered.delete(writer)
  }

  /** Whether a writer stands still, by what it has written. Only an order ends that. */
  stands(writer: string, isStanding: boolean): void {
    if (isStanding) {
      this.#standing.add(writer)
      return
    }
    if (!this.#standing.delete(writer)) return
    this.checks++
    if (!this.#ordered.delete(writer))
      this.#report(`${writer} goes on above another writer, and nobody told it to`)
  }

  /** Somebody tells a writer that stands still to go on. */
  orders(writer: string): void {
    this.#ordered.add(writer)
  }

  /** A mirror serves a root, or would after its start. */
  serves(mirror: string, sequence: bigint, root: CID): void {
    this.checks++
    const text = root.toString()
    const served = this.#served.get(mirror) ?? { roots: new Map(), last: -1n }
    this.#served.set(mirror, served)
    if (this.#evil.has(text)) this.#report(`${mirror} serves the evil root ${text}`)
    if (sequence < served.last)
      this.#report(`${mirror} serves sequence ${sequence} after ${served.last}`)
    const before = served.roots.get(sequence)
    if (before !== undefined && before !== text)
      this.#report(`${mirror} served ${before} for sequence ${sequence}, now ${text}`)
    served.roots.set(sequence, text)
    served.last = sequence
  }

  /** A mirror has no root at its start: it must never have had one. */
  servesNothing(mirror: string): void {
    this.checks++
    const { last } = this.#served.get(mirror) ?? { last: -1n }
    if (last >= 0n) this.#report(`${mirror} forgot that it served sequence ${last}`)
  }

  /** Its disk is another one now: what counts is what is on that. */
  replaced(node: string): void {
    this.#standing.delete(node)
    this.#ordered.delete(node)
    this.#told.delete(node)
    this.#served.delete(node)
  }
}
