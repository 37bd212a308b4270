import { setTimeout as pause } from 'node:timers/promises'

/** Tries until it works; what comes by pubsub needs a moment. @throws with the last failure after half a minute */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + 30_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > end) throw error
      await pause(200)
    }
  }
}
