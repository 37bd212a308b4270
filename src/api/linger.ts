import type { IncomingMessage } from 'node:http'

/** So much of a body is thrown away, or for so long, to let the client see the answer. */
export const LINGER_BYTES = 8 * 1024 * 1024
export const LINGER_MS = 2_000

/**
 * Reads and throws away a bounded part of a body that nobody wants, before its connection is closed: closing at once would
 * make the kernel answer the unread rest with a reset, and the client could lose the answer (RFC 9112 9.6).
 */
export function discard(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = LINGER_BYTES
    const stop = (): void => {
      clearTimeout(timer)
      req.off('data', onData)
      req.pause()
      resolve()
    }
    const onData = (chunk: Buffer): void => {
      if ((left -= chunk.length) <= 0) stop()
    }
    const timer = setTimeout(stop, LINGER_MS)
    req.once('end', stop)
    req.once('close', stop)
    req.on('data', onData)
    if (req.destroyed || req.readableEnded) stop()
  })
}
