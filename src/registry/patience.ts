/** Content of a mirror that stopped coming. */
export class StalledError extends Error {
  static override readonly name = 'StalledError'
  override readonly name = 'StalledError'

  constructor(ms: number) {
    super(`nothing came for ${ms} ms`)
  }
}

/**
 * Passes on what a source gives, and gives it up when it has given nothing for so long: whoever waits for it is told, and
 * can ask another. How long the receiver takes does not count.
 *
 * @param open opens the source; what it is given is aborted when the source is given up
 * @throws StalledError
 */
export async function* notStalled(
  open: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
  ms: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const stalled = new AbortController()
  const either = signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal])
  const iterator = open(either)[Symbol.asyncIterator]()
  let isOver = false
  try {
    for (;;) {
      isOver = true // also when it throws, or has stalled
      const next = await within(iterator.next(), ms, stalled)
      if (next.done === true) return
      isOver = false
      yield next.value
    }
  } finally {
    if (!isOver) await iterator.return?.()
  }
}

/** Waits for a result, but no longer than that; then aborts, and does not wait for who ignores it. */
async function within<T>(work: Promise<T>, ms: number, abort: AbortController): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const error = new StalledError(ms)
    abort.abort(error)
    reject(error)
  }, ms)
  work.catch(() => undefined) // when it comes too late, nobody waits for its failure
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
