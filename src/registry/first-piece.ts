import type { Content, OpenOptions } from './ports.ts'

/** Content as one mirror has it. */
export interface MirrorCandidate {
  readonly content: Content
  /** Tells what went wrong with that mirror. */
  readonly report: (error: unknown) => void
  /** After so many ms without a first piece another mirror is looked for. */
  readonly patience: number
}

/** A candidate that is being read, up to its first piece. */
export class Reading {
  readonly candidate: MirrorCandidate
  /** Whatever comes of it; it never rejects, so that nobody needs to wait for it. */
  readonly first: Promise<PromiseSettledResult<IteratorResult<Uint8Array>>>
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #abort = new AbortController()

  constructor(candidate: MirrorCandidate, { signal, ...how }: OpenOptions) {
    this.candidate = candidate
    const own = this.#abort.signal
    const either = signal === undefined ? own : AbortSignal.any([signal, own])
    this.#iterator = candidate.content.open({ ...how, signal: either })[Symbol.asyncIterator]()
    this.first = Promise.allSettled([this.#iterator.next()]).then(([result]) => result)
  }

  /** Does not wait for it any longer. */
  giveUp(reason: Error): void {
    this.#abort.abort(reason)
  }

  /** The pieces, from the first one on. @throws what the source throws */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const first = await this.first
    if (first.status === 'rejected') throw first.reason as Error
    let isOver = first.value.done === true
    let next = first.value
    try {
      while (next.done !== true) {
        yield next.value
        isOver = true // also when it throws
        next = await this.#iterator.next()
        isOver = next.done === true
      }
    } finally {
      if (!isOver) await this.#iterator.return?.()
    }
  }
}

/** Whether something has not come after so long. */
export async function isLate(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(true), ms)
  try {
    return await Promise.race([work.then(() => false), promise])
  } finally {
    clearTimeout(timer)
  }
}
