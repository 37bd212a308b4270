/**
 * Passes a body on until somebody ends that: then the signal's reason is thrown at once, even while the source is silent.
 * The source is told, and is not waited for.
 */
export async function* interruptible(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let isOver = false
  try {
    for (;;) {
      signal.throwIfAborted()
      isOver = true // also when it throws
      const next = await orAborted(iterator.next(), signal)
      if (next.done === true) return
      isOver = false
      yield next.value
    }
  } finally {
    if (signal.aborted) iterator.return?.().catch(() => undefined)
    else if (!isOver) await iterator.return?.()
  }
}

/** Waits for a result, or throws the signal's reason as soon as it is aborted. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  // Not a race: the signal outlives many chunks, and would keep something of each.
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  return promise
}
