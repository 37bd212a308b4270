import { Namespace } from '../../support/namespaces.ts'
import { PACKET, QUEUE } from './line.ts'
import type { Lan } from '../../support/namespaces.ts'
import type { Cable } from './host.ts'
import type { Line, Lines } from './line.ts'

/** Whether this kernel shapes lines by itself. */
export function hasNetem(): boolean {
  using trial = Namespace.create('trial')
  try {
    trial.run('tc', ...netem('lo', { delay: 1 }))
    return true
  } catch (error) {
    if (error instanceof Error && /kind is unknown/.test(error.message)) return false
    throw error
  }
}

/** A cable whose both ends are shaped by netem: what a host sends at its end, what it gets at the switch's. */
export class NetemCable implements Cable {
  readonly #lan: Lan
  readonly #host: Namespace

  constructor(lan: Lan, host: Namespace) {
    this.#lan = lan
    this.#host = host
  }

  async shape({ up, down }: Lines): Promise<void> {
    this.#host.run('tc', ...netem('eth0', up))
    this.#lan.middle.run('tc', ...netem(this.#lan.port(this.#host), down))
    await Promise.resolve()
  }

  plug(isIn: boolean): void {
    this.#lan.plug(this.#host, isIn)
  }
}

/** tc-netem(8) */
function netem(device: string, { delay, loss, rate }: Line): string[] {
  // Without a rate the queue holds what is under way.
  const limit = rate === undefined ? 100_000 : Math.ceil((rate * QUEUE) / PACKET)
  return [
    ...['qdisc', 'replace', 'dev', device, 'root', 'netem', 'limit', String(limit)],
    ...(delay === undefined ? [] : ['delay', `${delay}ms`]),
    ...(loss === undefined ? [] : ['loss', `${loss * 100}%`]),
    ...(rate === undefined ? [] : ['rate', `${rate * 8}bit`]),
  ]
}
