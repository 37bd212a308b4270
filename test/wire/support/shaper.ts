import { QUEUE } from './line.ts'
import type { Line } from './line.ts'

/** One direction of a line in this process: it gives packets on later, or not at all, and always in order. */
export class Shaper {
  readonly #send: (packet: Buffer) => void
  readonly #waiting: { readonly at: number; readonly packet: Buffer }[] = []
  #line: Line = {}
  /** When the last byte of what was accepted has left the slow end. */
  #free = 0
  #timer: NodeJS.Timeout | undefined

  constructor(send: (packet: Buffer) => void) {
    this.#send = send
  }

  set line(line: Line) {
    this.#line = line
  }

  take(packet: Buffer): void {
    const { delay = 0, loss = 0, rate = Infinity } = this.#line
    const now = performance.now()
    const begins = Math.max(now, this.#free)
    if (Math.random() < loss || begins - now > QUEUE * 1000) return
    this.#free = begins + (packet.length / rate) * 1000
    const at = this.#free + delay
    if (at <= now && this.#waiting.length === 0) this.#send(packet)
    else {
      this.#waiting.push({ at, packet })
      if (this.#timer === undefined) this.#timer = setTimeout(this.#forward, at - now)
    }
  }

  readonly #forward = (): void => {
    const now = performance.now()
    let due = this.#waiting.findIndex(({ at }) => at > now)
    if (due === -1) due = this.#waiting.length
    for (const { packet } of this.#waiting.splice(0, due)) this.#send(packet)
    const [next] = this.#waiting
    this.#timer = next && setTimeout(this.#forward, Math.max(0, next.at - now))
  }
}
