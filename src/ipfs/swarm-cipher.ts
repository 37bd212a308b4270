import { preSharedKey } from '@libp2p/pnet'
import { guardNegotiation } from './negotiation-guard.ts'
import { formatSwarmKey } from './swarm-key.ts'
import type { ConnectionProtector, MessageStream } from '@libp2p/interface'

/**
 * Largest piece that goes through a cipher at once. All ciphers of the process share 640 KiB of memory, and when one
 * needs more than there is, it takes more for itself and breaks the others (js-libp2p #3585).
 */
const PIECE_BYTES = 16 * 1024

/** How long bytes that arrived before the end of a connection may wait to be read. Milliseconds. */
const LEFTOVERS_TIME = 30_000

/** The stream cipher of one direction (xsalsa20). */
interface Cipher {
  update(bytes: Uint8Array): Uint8Array
  /** Gives its place in the shared memory back. It cannot be used after that. */
  finalize(): void
}

/** The parts of @libp2p/pnet 3.0.27 that we use and its types hide; {@link isBox} checks that they are there. */
interface Box {
  inboundXor: Cipher
  outboundXor: Cipher
}

/**
 * Encryption under a pre-shared key, below everything else (libp2p specs, "Private Networks"): the stock one, with its
 * two defects put right. A message of 640 KiB, or 5,000 connections (with the right key or another), end the
 * encryption of all connections for good: it never gives a cipher back, nor cuts what it encrypts.
 *
 * @param key 32 bytes
 */
export function swarmProtector(key: Uint8Array): () => ConnectionProtector {
  const make = preSharedKey({ psk: Buffer.from(formatSwarmKey(key)) })
  return () => {
    const stock = make()
    return {
      async protect(connection, options) {
        const box = await stock.protect(connection, options)
        if (!isBox(box))
          throw new Error('this version of @libp2p/pnet is not the one Heliport was written for')
        const ciphers = [new TamedCipher(box.inboundXor), new TamedCipher(box.outboundXor)] as const
        ;[box.inboundXor, box.outboundXor] = ciphers
        atTheEnd(connection, () => {
          for (const cipher of ciphers) cipher.finalize()
        })
        return guardNegotiation(box)
      },
    }
  }
}

/** Takes messages of any size, and any number of ends. */
class TamedCipher implements Cipher {
  #cipher: Cipher | undefined

  constructor(cipher: Cipher) {
    this.#cipher = cipher
  }

  update(bytes: Uint8Array): Uint8Array {
    // A connection that ends in the middle of a message has no use for the rest of it.
    if (this.#cipher === undefined) return new Uint8Array(0)
    if (bytes.length <= PIECE_BYTES) return this.#cipher.update(bytes)
    const result = new Uint8Array(bytes.length)
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      result.set(this.#cipher.update(bytes.subarray(at, at + PIECE_BYTES)), at)
    return result
  }

  finalize(): void {
    this.#cipher?.finalize()
    this.#cipher = undefined
  }
}

/** Calls back when nothing will be read from the connection any more, nor written to it. */
function atTheEnd(connection: MessageStream, call: () => void): void {
  const onClose = () => {
    if (connection.readBufferLength === 0) return call()
    // It is closed, but its reader is slow.
    const timer = setTimeout(call, LEFTOVERS_TIME).unref()
    connection.addEventListener('end', () => {
      clearTimeout(timer)
      call()
    })
  }
  if (connection.status === 'open') connection.addEventListener('close', onClose, { once: true })
  else onClose()
}

function isBox(value: MessageStream): value is MessageStream & Box {
  const { inboundXor, outboundXor } = value as MessageStream & Partial<Box>
  return [inboundXor, outboundXor].every((cipher) => typeof cipher?.finalize === 'function')
}
