import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import { Peer } from '../../network/support/peer.ts'
import { findProgram } from '../../tools/find.ts'
import type { Order, Timing } from './protocol.ts'

const FILE = join(import.meta.dirname, 'client.ts')

/** Our own load client, which is a process of its own. */
export class LoadClient implements AsyncDisposable {
  readonly #peer: Peer<Order, Timing>

  private constructor(peer: Peer<Order, Timing>) {
    this.#peer = peer
  }

  static async start(): Promise<LoadClient> {
    return new LoadClient(await Peer.start<Order, Timing>(FILE))
  }

  /** @throws what the client saw, when a registry did not answer as it must */
  ask(order: Order): Promise<Timing> {
    return this.#peer.ask(order)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#peer[Symbol.asyncDispose]()
  }
}

/** Whether a registry can have a processor of its own, and its client another one. */
export async function canPin(): Promise<boolean> {
  return availableParallelism() > 1 && (await findProgram('taskset')) !== undefined
}

/** Puts a registry on one processor, with all of its threads. */
export async function pin(pid: number, core: number): Promise<void> {
  await run('taskset', ['-a', '-c', '-p', String(core), String(pid)])
}
