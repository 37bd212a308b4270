import { explained } from './publisher-state.ts'
import { rootOf } from './root-value.ts'
import type { CID } from 'multiformats/cid'
import type { Hearsay } from './hearsay.ts'
import type { Ledger } from './ledger.ts'
import type { IpnsName } from './name.ts'
import type { Log } from './ports.ts'
import type { PublisherState } from './publisher-state.ts'
import type { IpnsRecord } from './record.ts'

export interface OtherWritersComponents {
  readonly name: IpnsName
  readonly ledger: Ledger
  readonly hearsay: Hearsay
  /** Whether this root was ever ours, by the journal. */
  readonly isOurs: (root: CID) => Promise<boolean>
  readonly log: Log
}

/** That somebody said that we go on above another writer. */
interface Order {
  /** Whether the network was asked for what else there is. */
  hasAsked: boolean
}

/**
 * Who else publishes under our key, by what others hold under our name. A higher sequence than ours means that this state
 * is not the newest: a restored backup or key, or another writer. Roots that were ours, and a state that never met the
 * network, are continued above it; anything else is another writer, and two of them would fight for ever (faults
 * B-threats 5). So we stand still then, durably, until somebody says that we go on: whatever the other does next, be it a
 * root that both had, does not say that it has gone.
 */
export class OtherWriters {
  readonly #components: OtherWritersComponents
  #order: Order | undefined

  constructor(components: OtherWritersComponents) {
    this.#components = components
  }

  /**
   * Has the next {@link heed} end a conflict, above everything that is known then.
   *
   * @returns the sequence that ours will be above; `undefined` when no other writer was met
   */
  takeOver(): bigint | undefined {
    const conflict = this.#components.ledger.state?.conflict
    if (conflict !== undefined) this.#order = { hasAsked: false }
    return conflict?.sequence
  }

  /** Looks at what others hold under our name. @returns what is to be gone on from */
  async heed(signal: AbortSignal): Promise<PublisherState> {
    const { ledger, hearsay } = this.#components
    const before = await ledger.read()
    // It was about the conflict that stood when it was given, and not about one that may come.
    if (before.conflict === undefined) this.#order = undefined
    const order = this.#order
    if (order !== undefined) await this.#ask(order, signal)
    const met = hearsay.newest
    const state = met === undefined ? before : await this.#compare(before, met)
    hearsay.heeded(met)
    if (order === undefined) return state
    const taken = await this.#overtake(state)
    this.#order = undefined
    return taken
  }

  /** Once: what is heard while it cannot be written, as when the disk is full, must not make us ask again and again. */
  async #ask(order: Order, signal: AbortSignal): Promise<void> {
    if (order.hasAsked) return
    await this.#components.hearsay.ask(signal, true)
    order.hasAsked = true
  }

  async #compare(state: PublisherState, met: IpnsRecord): Promise<PublisherState> {
    const { name, ledger, log } = this.#components
    const { sequence, value } = met
    if (sequence < state.sequence) return state
    if (sequence === state.sequence && value === state.value)
      return state.confirmed ? state : ledger.write({ ...state, confirmed: true })
    if (state.conflict === undefined) {
      if (!state.confirmed || (await this.#isOurs(value)))
        return ledger.write({ sequence, value, confirmed: true })
      log.warn({ name: name.text }, explained(met))
    } else if (sequence <= state.conflict.sequence) return state
    return ledger.write({ ...state, conflict: { sequence, value } })
  }

  async #isOurs(value: string): Promise<boolean> {
    const root = rootOf(value)
    return root !== undefined && (await this.#components.isOurs(root))
  }

  #overtake(state: PublisherState): Promise<PublisherState> {
    const { conflict, sequence } = state
    // With the other's value, because its record will be met again.
    const above = conflict !== undefined && conflict.sequence >= sequence ? conflict : state
    const { ledger } = this.#components
    return ledger.write({ sequence: above.sequence, value: above.value, confirmed: true })
  }
}
