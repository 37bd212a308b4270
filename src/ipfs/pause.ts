import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits so many milliseconds. Does not keep the process alive.
 *
 * @throws the signal's own reason, which the timer would hide
 */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal, ref: false })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
