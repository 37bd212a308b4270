import { RegistryError } from '../oci/errors.ts'
import { Reading, isLate } from './first-piece.ts'
import { Peekable } from './peekable.ts'
import { StalledError } from './patience.ts'
import { StillProvingError } from './proofs.ts'
import { WrongContentError } from './trust.ts'
import type { Digest } from '../oci/digest.ts'
import type { MirrorCandidate } from './first-piece.ts'
import type { Abortable, Content, OpenOptions } from './ports.ts'

/**
 * A blob of the mirrors: when one fails before its first byte, or turns out wrong, the next one that has it is read; and
 * when it lets us wait for long, while another has it too. After the first byte there is no way back: what another mirror
 * has would have to be hashed from its beginning.
 */
export class MirrorContent implements Content {
  readonly digest: Digest
  readonly size: number
  readonly id: string
  readonly isWholeFirst: boolean
  readonly #first: MirrorCandidate
  readonly #others: (options: Abortable) => AsyncIterable<MirrorCandidate>

  /** @param others the same content in the other mirrors, asked one by one and only when needed */
  constructor(
    first: MirrorCandidate,
    others: (options: Abortable) => AsyncIterable<MirrorCandidate>,
  ) {
    this.digest = first.content.digest
    this.size = first.content.size
    this.id = first.content.id
    this.isWholeFirst = first.content.isWholeFirst ?? false
    this.#first = first
    this.#others = others
  }

  /** As one mirror has it; the blocks of others are the same, unless one of the two is wrong. */
  hold(): Disposable | undefined {
    return this.#first.content.hold?.()
  }

  /** @throws RegistryError BLOB_UNKNOWN when every mirror was wrong about it; UNAVAILABLE when it cannot be read now */
  async *open(options: OpenOptions = {}): AsyncGenerator<Uint8Array> {
    const candidates = new Peekable(this.#candidates(options))
    let failure: unknown
    for (let next = await candidates.take(); next !== undefined; next = await candidates.take()) {
      const reading = new Reading(next, options)
      if (await this.#isOvertaken(reading, candidates)) {
        failure = this.#giveUp(reading)
        continue
      }
      let begun = false
      try {
        for await (const chunk of reading.pieces()) {
          begun = true
          yield chunk
        }
        return
      } catch (error) {
        options.signal?.throwIfAborted()
        next.report(error)
        if (begun) throw error
        // "Could not read" weighs more than "wrong": somebody may have the content after all.
        if (failure === undefined || failure instanceof WrongContentError) failure = error
      }
    }
    throw this.#unreadable(failure)
  }

  /** Whether it lets us wait, and another that has it was found before its first piece came. */
  async #isOvertaken(
    { first, candidate }: Reading,
    candidates: Peekable<MirrorCandidate>,
  ): Promise<boolean> {
    if (!(await isLate(first, candidate.patience))) return false
    const other = candidates.peek().then((found) => found !== undefined || first.then(() => false))
    return Promise.race([first.then(() => false), other])
  }

  #giveUp(reading: Reading): Error {
    const error = new StalledError(reading.candidate.patience)
    reading.giveUp(error)
    reading.candidate.report(error)
    return error
  }

  async *#candidates(options: Abortable): AsyncGenerator<MirrorCandidate> {
    const first = this.#first
    yield first
    for await (const candidate of this.#others(options)) {
      // The size has been told to the client.
      if (candidate.content.size === this.size) yield candidate
    }
  }

  #unreadable(cause: unknown): RegistryError {
    const detail = { digest: this.digest }
    if (cause instanceof WrongContentError)
      return new RegistryError('BLOB_UNKNOWN', { detail, cause })
    return new RegistryError('UNAVAILABLE', {
      message:
        cause instanceof StillProvingError
          ? 'a part is given once the whole blob has been checked, which goes on; ask again, or for the whole'
          : 'the mirrors that have this blob cannot be read now',
      detail,
      cause,
    })
  }
}
