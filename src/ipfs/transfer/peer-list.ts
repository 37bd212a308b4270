import {
  MAX_ADDRESSES,
  MAX_ADDRESS_BYTES,
  MAX_ID_BYTES,
  MAX_PEERS,
  ProtocolError,
} from './protocol.ts'

/** A peer as another one names it. Nothing of it has been looked at: the addresses may be of any kind, or none. */
export interface NamedPeer {
  /** The peer id's multihash. */
  readonly id: Uint8Array
  /** Multiaddrs, without the peer id. */
  readonly addresses: readonly Uint8Array[]
}

/**
 * The body of a `peers` frame: one byte with the number of peers; for each one byte with the length of its id, the id,
 * one byte with the number of addresses, and for each address two bytes with its length and the address.
 *
 * What is over the limits is left out.
 */
export function encodePeers(peers: readonly NamedPeer[]): Uint8Array {
  const fitting = peers.filter(({ id }) => id.length <= MAX_ID_BYTES).slice(0, MAX_PEERS)
  const parts: Uint8Array[] = [Uint8Array.of(fitting.length)]
  for (const { id, addresses } of fitting) {
    const usable = addresses.filter(({ length }) => length <= MAX_ADDRESS_BYTES)
    const told = usable.slice(0, MAX_ADDRESSES)
    parts.push(Uint8Array.of(id.length), id, Uint8Array.of(told.length))
    for (const address of told)
      parts.push(Uint8Array.of(address.length >> 8, address.length & 255), address)
  }
  return Buffer.concat(parts)
}

/** @throws ProtocolError when it is not exactly that, or over a limit */
export function decodePeers(body: Uint8Array): NamedPeer[] {
  const cursor = new Cursor(body)
  const peers = Array.from({ length: cursor.number(1, MAX_PEERS) }, () => ({
    id: cursor.bytes(cursor.number(1, MAX_ID_BYTES)),
    addresses: Array.from({ length: cursor.number(1, MAX_ADDRESSES) }, () =>
      cursor.bytes(cursor.number(2, MAX_ADDRESS_BYTES)),
    ),
  }))
  cursor.end()
  return peers
}

class Cursor {
  readonly #body: Uint8Array
  #at = 0

  constructor(body: Uint8Array) {
    this.#body = body
  }

  /** A number of so many bytes, the highest first. */
  number(bytes: 1 | 2, most: number): number {
    const value = this.bytes(bytes).reduce((sum, byte) => sum * 256 + byte, 0)
    if (value > most)
      throw new ProtocolError(`${value} in a list of peers, where at most ${most} may be`)
    return value
  }

  bytes(length: number): Uint8Array {
    const taken = this.#body.subarray(this.#at, this.#at + length)
    if (taken.length < length) throw new ProtocolError('a list of peers that ends too early')
    this.#at += length
    return taken
  }

  end(): void {
    if (this.#at < this.#body.length) throw new ProtocolError('a list of peers with more behind it')
  }
}
