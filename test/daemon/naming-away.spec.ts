import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { TestNode } from '../support/two-nodes.ts'
import type { AddressInfo, Socket } from 'node:net'

/** A name and a peer that nobody stands behind: the peer takes connections and never says a word. */
const NAME = 'k51qzi5uqu5dgy8qsq67hbz73jqkw87l3fgf4a91qb0d9b5173tir7n4vxk1oe'
const PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

describe('a node whose naming gets no answer (I7)', () => {
  it('answers pushes and pulls at once, and says in its status what it waits for', async () => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined)))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const peer = `/ip4/127.0.0.1/tcp/${(silent.address() as AddressInfo).port}/p2p/${PEER}`
    const node = await TestNode.start({ mirrors: [NAME], peers: [peer] })
    try {
      const layer = randomBytes(5000)
      const digest = await node.client.pushBlob('app', layer)
      assert.deepEqual(Buffer.from(await node.client.blob('app', digest)), layer)
      const { mirrors } = await node.status()
      assert.equal(mirrors[0]?.state, 'waiting')
      assert.equal(mirrors[0]?.root, null)
    } finally {
      await node.stop()
      for (const socket of sockets) socket.destroy()
      silent.close()
    }
  })
})
