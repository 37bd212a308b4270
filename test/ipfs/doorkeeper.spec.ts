import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { Doorkeeper } from '../../src/ipfs/doorkeeper.ts'
import type { MultiaddrConnection, PeerId } from '@libp2p/interface'

class Fake extends EventTarget {
  status = 'open'
  readonly remoteAddr
  constructor(host: string) {
    super()
    this.remoteAddr = multiaddr(`/ip4/${host}/tcp/1`)
  }
  close(): void {
    this.status = 'closed'
    this.dispatchEvent(new Event('close'))
  }
}

const connection = (fake: Fake) => fake as unknown as MultiaddrConnection
const from = (host: string) => new Fake(host)

describe('the doorkeeper', () => {
  let door: Doorkeeper
  let peers: PeerId[]

  before(async () => {
    const keys = await Promise.all(Array.from({ length: 4 }, () => generateKeyPair('Ed25519')))
    peers = keys.map(peerIdFromPrivateKey)
  })
  beforeEach(() => {
    door = new Doorkeeper({ pendingPerHost: 2, perHost: 4, perPeer: 3 })
  })
  const comes = (fake: Fake) => door.admits(connection(fake))
  const isPeer = (fake: Fake, peer = 0) =>
    door.admitsPeer(peers[peer] ?? assert.fail(), connection(fake))

  it('lets so many handshakes of a host begin, and others beside them', () => {
    const [a, b] = [from('192.0.2.1'), from('192.0.2.1')]
    assert.deepEqual([comes(a), comes(b), comes(from('192.0.2.1'))], [true, true, false])
    assert.ok(comes(from('192.0.2.2')))
    a.close()
    assert.ok(comes(from('192.0.2.1')))
    assert.ok(isPeer(b))
    assert.ok(comes(from('192.0.2.1')))
    assert.ok(!comes(from('192.0.2.1')))
  })

  it('lets a host have so many connections, whoever they are', () => {
    const fakes = Array.from({ length: 4 }, () => from('192.0.2.1'))
    for (const [i, fake] of fakes.entries()) assert.ok(comes(fake) && isPeer(fake, i))
    assert.ok(!comes(from('192.0.2.1')))
    fakes[0]?.close()
    assert.ok(comes(from('192.0.2.1')))
  })

  it('lets a peer have so many connections, from wherever', () => {
    const fakes = Array.from({ length: 4 }, (_, i) => from(`192.0.2.${i}`))
    const admitted = fakes.map((fake) => comes(fake) && isPeer(fake))
    assert.deepEqual(admitted, [true, true, true, false])
    fakes[3]?.close()
    fakes[0]?.close()
    const next = from('192.0.2.9')
    assert.ok(comes(next) && isPeer(next))
  })

  it('forgets whoever has gone, also in the middle of a handshake', () => {
    for (let i = 0; i < 1000; i++) {
      const fake = from('192.0.2.1')
      assert.ok(comes(fake))
      if (i % 2 === 0) assert.ok(isPeer(fake, i % 4))
      fake.close()
    }
    const late = from('192.0.2.1')
    assert.ok(comes(late))
    late.close()
    assert.ok(isPeer(late)) // the end of a handshake that was overtaken by the end of the connection
    for (let i = 0; i < 3; i++) {
      const fake = from('192.0.2.1')
      assert.ok(comes(fake) && isPeer(fake))
    }
  })
})
