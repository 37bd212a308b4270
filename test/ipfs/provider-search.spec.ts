import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { searchProviders } from '../../src/ipfs/provider-search.ts'
import { randomBlock } from './nodes.ts'
import type { PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

/** A DHT that names these peers, and then goes on looking for ever or ends. */
function routing(peers: readonly PeerId[], end: 'ends' | 'goes on' | Error) {
  return {
    async *findProviders(_root: CID, options: { signal?: AbortSignal } = {}) {
      const multiaddrs = [multiaddr('/ip4/10.0.0.1/tcp/1')]
      for (const id of peers) yield { id, multiaddrs, routing: 'dht' }
      if (end instanceof Error) throw end
      if (end === 'goes on') await aborted(options.signal)
    },
  }
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

describe('the search for providers', () => {
  let peers: PeerId[]
  let root: CID

  before(async () => {
    root = (await randomBlock()).cid
    peers = await Promise.all(
      Array.from({ length: 5 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))),
    )
  })
  afterEach(() => mock.timers.reset())

  const ids = (...indexes: number[]) => indexes.map((i) => String(peers[i]))
  const everybody = () => Promise.resolve(true)

  it('names whom it could connect to, at their addresses', async () => {
    const called: string[] = []
    const found = await searchProviders(
      routing(peers.slice(0, 2), 'ends'),
      root,
      ([address = '']) => {
        called.push(address)
        return Promise.resolve(called.length > 1)
      },
      undefined,
    )
    assert.deepEqual(
      called,
      ids(0, 1).map((id) => `/ip4/10.0.0.1/tcp/1/p2p/${id}`),
    )
    assert.deepEqual(found, ids(1))
  })

  it('ends with three', async () => {
    const found = await searchProviders(routing(peers, 'goes on'), root, everybody, undefined)
    assert.deepEqual(found, ids(0, 1, 2))
  })

  it('goes on for two seconds after the first', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const search = searchProviders(
      routing(peers.slice(0, 1), 'goes on'),
      root,
      everybody,
      undefined,
    )
    await new Promise((resolve) => void setImmediate(resolve))
    mock.timers.tick(1_999)
    const early = await Promise.race([search, new Promise((resolve) => void setImmediate(resolve))])
    assert.equal(early, undefined)
    mock.timers.tick(1)
    assert.deepEqual(await search, ids(0))
  })

  it('ends when its caller leaves, and fails when the DHT does', async () => {
    const leave = new AbortController()
    const search = searchProviders(routing([], 'goes on'), root, everybody, leave.signal)
    leave.abort(new Error('gone'))
    await assert.rejects(search, /gone/)
    const broken = routing([], new Error('broken'))
    await assert.rejects(searchProviders(broken, root, everybody, undefined), /broken/)
  })
})
