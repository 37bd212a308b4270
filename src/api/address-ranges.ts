import { BlockList, isIP } from 'node:net'

/** IP addresses that begin alike: one, or a network. */
export interface AddressRange {
  readonly address: string
  /** Bits that count. */
  readonly prefix: number
}

/** A closed list of IP addresses. */
export class AddressRanges {
  readonly #list = new BlockList()
  /** Whether nothing is in it. */
  readonly isEmpty: boolean

  constructor(ranges: readonly AddressRange[]) {
    this.isEmpty = ranges.length === 0
    for (const { address, prefix } of ranges)
      this.#list.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }

  /** Whether an address is in it; what is no address is not. */
  has(address: string): boolean {
    if (this.isEmpty) return false
    const family = isIP(address)
    return family !== 0 && this.#list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** An address as IPv4 where it is one: a socket for both families shows `::ffff:192.0.2.7`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
