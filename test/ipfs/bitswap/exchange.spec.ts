import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Bitswap } from '../../../src/ipfs/bitswap/exchange.ts'
import { encodeWant } from '../../../src/ipfs/bitswap/wire.ts'
import { silent } from '../../../src/ipfs/logger.ts'
import { randomBlock } from '../nodes.ts'
import type { BitswapParts } from '../../../src/ipfs/bitswap/exchange.ts'
import type { Connection, PeerId, Stream } from '@libp2p/interface'

type Serve = (stream: Stream, connection: Connection) => Promise<void>

/** As much of libp2p as bitswap needs, with connections that are opened and closed by hand. */
function network() {
  const connected = new Set<string>()
  const events = new EventTarget()
  let serve: Serve | undefined
  const fake = {
    handle: (_: string, handler: Serve) => Promise.resolve(void (serve = handler)),
    unhandle: () => Promise.resolve(),
    register: () => Promise.resolve('topology'), // which is never told of anybody
    unregister: () => undefined,
    dialProtocol: () => Promise.reject(new Error('nobody is there')),
    getConnections: (peer: PeerId) => (connected.has(peer.toString()) ? [{}] : []),
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
  }
  return {
    libp2p: fake as unknown as BitswapParts['libp2p'],
    connect: (peer: PeerId) => void connected.add(peer.toString()),
    disconnect: (peer: PeerId) => {
      connected.delete(peer.toString())
      events.dispatchEvent(new CustomEvent('peer:disconnect', { detail: peer }))
    },
    send: async (peer: PeerId, bytes: Uint8Array) => {
      const stream = {
        close: () => Promise.resolve(),
        abort: () => undefined,
        async *[Symbol.asyncIterator]() {
          yield bytes
        },
      }
      await serve?.(stream as unknown as Stream, { remotePeer: peer } as unknown as Connection)
    },
  }
}

const stranger = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

describe('who speaks bitswap to us', () => {
  const setup = async () => {
    const net = network()
    const blocks = { read: () => Promise.resolve(undefined), has: () => Promise.resolve(false) }
    const bitswap = new Bitswap({
      libp2p: net.libp2p,
      blocks,
      log: silent,
    })
    await bitswap.start()
    const { cid } = await randomBlock()
    return { ...net, bitswap, want: encodeWant(cid, 'presence') }
  }

  it('is asked in turn, until it leaves, also when it never said that it speaks it', async () => {
    const { bitswap, connect, disconnect, send, want } = await setup()
    for (let n = 0; n < 20; n++) {
      const peer = await stranger()
      connect(peer)
      await send(peer, want)
      assert.deepEqual(bitswap.peers().map(String), [peer.toString()])
      disconnect(peer)
      assert.deepEqual(bitswap.peers(), [])
    }
    await bitswap.stop()
  })

  it('is not remembered for what is read only after it has left', async () => {
    const { bitswap, send, want } = await setup()
    await send(await stranger(), want)
    assert.deepEqual(bitswap.peers(), [])
    await bitswap.stop()
  })
})
