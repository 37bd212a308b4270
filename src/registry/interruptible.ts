/**
 * Passes a body on until somebody ends that: then the signal's reason is thrown at once, even while the source is silent.
 * The source is told, and is not waited for.
 */
export async function* interruptible(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let interrupt = (_reason: Error): void => undefined
  const onAbort = (): void => interrupt(signal.reason as Error)
  signal.addEventListener('abort', onAbort)
  let isOver = false
  try {
    for (;;) {
      signal.throwIfAborted()
      isOver = true // also when it throws
      // Not a race with one promise: that would keep something of each chunk.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        interrupt = reject
        iterator.next().then(resolve, reject)
      })
      if (next.done === true) return
      isOver = false
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    if (signal.aborted) iterator.return?.().catch(() => undefined)
    else if (!isOver) await iterator.return?.()
  }
}
