import { addressKey } from '../oci/address-key.ts'
import { AddressRanges, plainAddress } from './address-ranges.ts'
import type { Socket } from 'node:net'
import type { AddressRange } from './address-ranges.ts'

/** Connections beyond an address's own of which each is told so, as a part of them. Those beyond are closed as they come. */
const EXTRA = 1 / 8

/** How many connections an address may have. */
export interface AddressBound {
  /** At once. */
  readonly most: number
  /** Addresses that may have any number: nobody's, or many people's, as a proxy's are. */
  readonly exempt: readonly AddressRange[]
}

/** Counts connections by the address that they come from. As many are counted as are open. */
export class AddressConnections {
  readonly #bound: AddressBound
  readonly #exempt: AddressRanges
  readonly #counts = new Map<string, number>()

  constructor(bound: AddressBound) {
    this.#bound = bound
    this.#exempt = new AddressRanges(bound.exempt)
  }

  /** Counts a new connection, until it closes. False: it must be closed at once. */
  enter(socket: Socket): boolean {
    const key = this.#keyOf(socket)
    if (key === undefined) return true
    const count = (this.#counts.get(key) ?? 0) + 1
    if (count > Math.ceil(this.#bound.most * (1 + EXTRA))) return false
    this.#counts.set(key, count)
    socket.once('close', () => {
      const left = (this.#counts.get(key) ?? 0) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
    })
    return true
  }

  /** Whether the address of a connection has more than it may have. */
  isOver(socket: Socket): boolean {
    const key = this.#keyOf(socket)
    return key !== undefined && (this.#counts.get(key) ?? 0) > this.#bound.most
  }

  #keyOf({ remoteAddress }: Socket): string | undefined {
    if (remoteAddress === undefined) return undefined
    const address = plainAddress(remoteAddress)
    return this.#exempt.has(address) ? undefined : addressKey(address)
  }
}
