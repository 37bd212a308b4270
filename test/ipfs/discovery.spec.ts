import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { Discovery } from '../../src/ipfs/discovery.ts'
import { silent } from '../../src/ipfs/logger.ts'
import { scopesOf } from '../../src/ipfs/scope.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** The part of libp2p that discovery uses, in the hands of the test. */
class FakeLibp2p extends EventTarget {
  readonly dialled: string[][] = []
  readonly connected = new Set<string>()
  answer: (signal: AbortSignal) => Promise<void> = () => Promise.resolve()

  getConnections(id: PeerId): unknown[] {
    return this.connected.has(id.toString()) ? [{}] : []
  }
  dial(addresses: Multiaddr[], { signal }: { signal: AbortSignal }): Promise<void> {
    this.dialled.push(addresses.map(String))
    return this.answer(signal)
  }
  find(id: PeerId, ...addresses: string[]): void {
    const detail = { id, multiaddrs: addresses.map((text) => multiaddr(text)) }
    this.dispatchEvent(new CustomEvent('peer:discovery', { detail }))
  }
}

describe('discovery', () => {
  let libp2p: FakeLibp2p
  let discovery: Discovery
  let id: PeerId

  beforeEach(async () => {
    libp2p = new FakeLibp2p()
    const scope = scopesOf('lan').dials
    discovery = new Discovery(libp2p as unknown as Libp2p, { scope, log: silent })
    id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  })
  afterEach(() => discovery.stop())

  it('calls who is found, at the addresses of the local network only', () => {
    const suffix = `/p2p/${id.toString()}`
    libp2p.find(id, '/ip4/10.0.0.1/tcp/1', `/ip4/10.0.0.2/tcp/1${suffix}`, '/ip4/8.8.8.8/tcp/1')
    assert.deepEqual(libp2p.dialled, [
      [`/ip4/10.0.0.1/tcp/1${suffix}`, `/ip4/10.0.0.2/tcp/1${suffix}`],
    ])
  })

  it('calls nobody outside, and nobody who is connected', () => {
    libp2p.find(id, '/ip4/8.8.8.8/tcp/1', '/dns4/example.org/tcp/1', '/dnsaddr/example.org')
    libp2p.connected.add(id.toString())
    libp2p.find(id, '/ip4/10.0.0.1/tcp/1')
    assert.deepEqual(libp2p.dialled, [])
  })

  it('calls a peer once at a time, and again when it is met again', async () => {
    const gate = Promise.withResolvers<void>()
    libp2p.answer = () => gate.promise
    libp2p.find(id, '/ip4/10.0.0.1/tcp/1')
    libp2p.find(id, '/ip4/10.0.0.1/tcp/1')
    assert.equal(libp2p.dialled.length, 1)
    gate.reject(new Error('nobody there'))
    await new Promise((resolve) => void setImmediate(resolve))
    libp2p.find(id, '/ip4/10.0.0.1/tcp/1')
    assert.equal(libp2p.dialled.length, 2)
  })

  it('calls sixteen at once, however many announce themselves', async () => {
    libp2p.answer = untilAborted
    for (let i = 0; i < 20; i++) {
      const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
      libp2p.find(other, '/ip4/10.0.0.1/tcp/1')
    }
    assert.equal(libp2p.dialled.length, 16)
  })

  it('stops its calls when it stops, and makes no more', async () => {
    libp2p.answer = untilAborted
    libp2p.find(id, '/ip4/10.0.0.1/tcp/1')
    await discovery.stop()
    libp2p.find(id, '/ip4/10.0.0.1/tcp/1')
    assert.equal(libp2p.dialled.length, 1)
  })
})

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
