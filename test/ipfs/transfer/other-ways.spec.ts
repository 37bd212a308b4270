import assert from 'node:assert/strict'
import { Urgency } from '../../../src/blocks/flights.ts'
import { unixfs } from '@helia/unixfs'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createHeliaLight } from 'helia'
import { createLibp2p } from 'libp2p'
import { PeerDialer } from '../../../src/ipfs/peer-dialer.ts'
import { ServingBlockstore } from '../../../src/ipfs/serving-blockstore.ts'
import { Transfer } from '../../../src/ipfs/transfer/transfer.ts'
import { eventually } from '../../support/two-nodes.ts'
import { MemoryBlocks, randomBlock, startNode } from '../nodes.ts'
import type { Libp2p } from '@libp2p/interface'

const common = {
  transports: [tcp(), circuitRelayTransport()],
  connectionEncrypters: [tls()],
  streamMuxers: [yamux()],
}

/** A libp2p node that speaks the transfer and nothing else of ours. */
async function startTransfer(
  libp2p: Libp2p,
): Promise<{ blocks: MemoryBlocks; transfer: Transfer; libp2p: Libp2p }> {
  const blocks = new MemoryBlocks()
  const transfer = new Transfer({
    libp2p,
    blocks: new ServingBlockstore(blocks, () => true),
    dialer: new PeerDialer(libp2p, () => false),
    tells: () => true,
  })
  await transfer.start()
  return { blocks, transfer, libp2p }
}

describe('the transfer by way of a relay', () => {
  it('works on a limited connection', async () => {
    const relay = await createLibp2p({
      ...common,
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      services: { identify: identify(), relay: circuitRelayServer() },
    })
    const [through] = relay.getMultiaddrs().map(String)
    const behind = await createLibp2p({
      ...common,
      addresses: { listen: [`${through}/p2p-circuit`] },
      services: { identify: identify() },
    })
    const reader = await createLibp2p({ ...common, services: { identify: identify() } })
    const [source, asker] = [await startTransfer(behind), await startTransfer(reader)]
    try {
      await eventually(() => behind.getMultiaddrs().length > 0, 'the reservation')
      const connection = await reader.dial(behind.getMultiaddrs())
      assert.ok(connection.limits !== undefined, 'the connection is not limited')
      const { cid, bytes } = await randomBlock(50_000)
      await source.blocks.put(cid, bytes)
      const fetched = await asker.transfer.fetch(cid, {
        signal: AbortSignal.timeout(10_000),
        providers: [behind.peerId.toString()],
        root: undefined,
        urgency: new Urgency(true),
      })
      assert.deepEqual(Buffer.from(fetched ?? []), bytes)
    } finally {
      for (const { transfer } of [source, asker]) await transfer.stop()
      for (const node of [reader, behind, relay]) await node.stop()
    }
  })
})

describe('a peer that speaks only bitswap', () => {
  it('is asked by bitswap', async () => {
    const helia = withBitswap(
      withLibp2pLight(createHeliaLight(), {
        ...common,
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
        services: { identify: identify() },
      }),
    )
    await helia.start()
    const node = await startNode()
    try {
      const { libp2p } = helia
      const content = new Uint8Array(1000).fill(7)
      const cid = await unixfs(helia).addBytes(content)
      assert.ok(await node.dial(libp2p.getMultiaddrs().map(String)))
      const providers = [libp2p.peerId.toString()]
      assert.deepEqual(Uint8Array.from(await node.fetchBlock(cid, { providers })), content)
    } finally {
      await node.stop()
      await helia.stop()
    }
  })
})
