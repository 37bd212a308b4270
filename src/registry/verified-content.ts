import { algorithmOf, createHasher } from '../oci/digest.ts'
import { notStalled } from './patience.ts'
import { Trust, WrongContentError } from './trust.ts'
import type { Digest } from '../oci/digest.ts'
import type { Abortable, Content, OpenOptions } from './ports.ts'

/**
 * A mirror's content that does not go on for so long is given up, in ms. A leaf of 1 MiB may come on a slow line, and three
 * of them in one message; and a client that waits for its first byte is to be told within half a minute (faults, C16).
 */
const STALLED_MS = 25_000

/** Proven content of a mirror, which may still stop coming. */
export function impatient(content: Content): Content {
  return {
    ...content,
    open: ({ signal, ...how } = {}) =>
      notStalled((either) => content.open({ ...how, signal: either }), STALLED_MS, signal),
  }
}

/** Content of a mirror whose mapping nobody has proven yet: it proves itself while it is read. */
export class UnprovenContent implements Content {
  readonly digest: Digest
  readonly size: number
  readonly id: string
  readonly isWholeFirst = true
  readonly #content: Content
  readonly #mirror: string
  readonly #trust: Trust

  constructor(content: Content, mirror: string, trust: Trust) {
    this.digest = content.digest
    this.size = content.size
    this.id = content.id
    this.#content = content
    this.#mirror = mirror
    this.#trust = trust
  }

  hold(): Disposable | undefined {
    return this.#content.hold?.()
  }

  /**
   * The whole content is hashed as it streams. A part cannot be, so it waits until the whole has been read once, by
   * whoever came first: that leaves the blocks in the local store, where the part is then read from.
   *
   * @throws WrongContentError before the last piece, when the content is not what the digest names; StillProvingError when
   *   a part would have to wait too long
   */
  async *open(options: OpenOptions = {}): AsyncGenerator<Uint8Array> {
    const { range, signal } = options
    if (await this.#trust.isProven(this.#content)) return yield* this.#open(options)
    if (this.#trust.isRejected(this.#content)) throw this.#wrong('found wrong before')
    if (range === undefined || range.length === this.size) return yield* this.#proving({ signal })
    await this.prove({ signal })
    yield* this.#open(options)
  }

  /**
   * Reads the whole content once for all who wait.
   *
   * @throws WrongContentError when it is not what the digest names; StillProvingError
   */
  prove({ signal }: Abortable): Promise<void> {
    const readThrough = async (shared: AbortSignal): Promise<void> => {
      for await (const _ of this.#proving({ signal: shared }));
    }
    return this.#trust.proofs.run(Trust.key(this.#content), readThrough, { signal })
  }

  /**
   * Streams the whole content, one piece behind: the last one, which would make the client's copy complete, is only
   * given out when all of it has hashed to the digest. A consumer that stops early proves and disproves nothing.
   */
  async *#proving({ signal }: Abortable): AsyncGenerator<Uint8Array> {
    const hasher = createHasher(algorithmOf(this.digest))
    let length = 0
    let held: Uint8Array | undefined
    for await (const chunk of this.#open({ signal })) {
      // An empty piece must not push the last one out before the end has been seen.
      if (chunk.length === 0) continue
      length += chunk.length
      if (length > this.size) throw this.#wrong(`longer than the ${this.size} bytes it claims`)
      hasher.update(chunk)
      if (held !== undefined) yield held
      held = chunk
    }
    if (length !== this.size) throw this.#wrong(`${length} bytes, and it claims ${this.size}`)
    const actual = hasher.digest()
    if (actual !== this.digest) throw this.#wrong(`it hashes to ${actual}`)
    await this.#trust.accept(this.#content)
    if (held !== undefined) yield held
  }

  #open(options: OpenOptions): AsyncIterable<Uint8Array> {
    return impatient(this.#content).open(options)
  }

  #wrong(why: string): WrongContentError {
    this.#trust.reject(this.#content)
    return new WrongContentError(this.#content, this.#mirror, why)
  }
}
