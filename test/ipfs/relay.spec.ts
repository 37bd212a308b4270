import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silent } from '../../src/ipfs/logger.ts'
import { isLoopback } from '../../src/ipfs/scope.ts'
import { randomBlock, startNode } from './nodes.ts'
import { startRelay } from './relay.ts'
import type { Internet } from '../../src/ipfs/node-plan.ts'
import type { TestNode, TestNodeOptions } from './nodes.ts'
import type { OwnRelay } from './relay.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']

function publicNode(internet: Internet, options: TestNodeOptions = {}): Promise<TestNode> {
  const config = { mode: 'public', listen: LISTEN, ...options.config } as const
  return startNode({ internet, redialPause: 20, ...options, config })
}

/** A node behind a NAT: nobody can call it. */
const HIDDEN: TestNodeOptions = { config: { listen: [] } }

function viaRelay({ address }: OwnRelay, { peerId }: TestNode): string {
  return `${address}/p2p-circuit/p2p/${peerId}`
}

describe('a public node that cannot be called', () => {
  it('is found at a relay, announces that, and gives blocks through it', async () => {
    await using relay = await startRelay()
    await using hidden = await publicNode(relay, HIDDEN)
    let changes = 0
    const leave = hidden.onAddresses(() => changes++)
    await until(() => hidden.announcedAddresses().length > 0 && changes > 0)
    leave()
    assert.deepEqual(hidden.announcedAddresses(), [viaRelay(relay, hidden)])

    await using reader = await publicNode(relay)
    assert.ok(await reader.dial(hidden.announcedAddresses()))
    const blocks = await Promise.all([1 << 20, 1 << 20, 1000].map((size) => randomBlock(size)))
    for (const { cid, bytes } of blocks) {
      await hidden.blocks.put(cid, bytes)
      const got = await reader.fetchBlock(cid, { providers: [hidden.peerId] })
      assert.ok(Buffer.from(got).equals(bytes))
    }
    const [{ address } = assert.fail()] = reader.peers().filter(({ id }) => id === hidden.peerId)
    assert.equal(address, viaRelay(relay, hidden))
  })

  it('keeps a configured peer that it only reaches through a relay', async () => {
    await using relay = await startRelay()
    await using hidden = await publicNode(relay, HIDDEN)
    await until(() => hidden.announcedAddresses().length > 0)
    const peers = hidden.announcedAddresses()
    await using reader = await publicNode(relay, { config: { peers } })
    await until(() => reader.peers().some(({ id }) => id === hidden.peerId))
  })

  it('tries to be called directly when its relay has limits, and is not taken for reached until it is', async () => {
    await using relay = await startRelay({ limited: true })
    const said: string[] = []
    const log = {
      ...silent,
      isLevelEnabled: () => true,
      trace: (details: object, message: string) => {
        if ('component' in details && details.component === 'libp2p:dcutr') said.push(message)
      },
    }
    await using hidden = await publicNode(relay, { ...HIDDEN, log })
    await until(() => hidden.announcedAddresses().length > 0)
    await using reader = await publicNode(relay)
    const patience = new AbortController()
    const dialled = reader.dial(hidden.announcedAddresses(), { signal: patience.signal })
    // Public addresses it would call; those of a test are not, and so it asks the other side to meet half-way.
    await until(() => said.some((message) => message.includes('has no public addresses')))
    await until(() => said.some((message) => message.startsWith('B sending connect')))
    patience.abort(new Error('this was seen'))
    await assert.rejects(dialled, /this was seen/)
  })
})

describe('a public node', () => {
  it('has the same identity after a restart, and calls its peers for ever', async () => {
    const nowhere: Internet = { bootstrap: [], scope: isLoopback }
    const directory = await mkdtemp(join(tmpdir(), 'heliport-public-'))
    let server = await publicNode(nowhere, { directory })
    const { peerId } = server
    const peers = server.addresses().filter((address) => address.startsWith('/ip4/127.'))
    const listen = peers.map((address) => address.replace(/\/p2p\/.*/, ''))
    await using client = await publicNode(nowhere, { config: { peers } })
    for (let round = 0; round < 3; round++) {
      await until(() => client.peers().some(({ id }) => id === peerId))
      await server.stop()
      await until(() => client.peers().length === 0)
      server = await publicNode(nowhere, { directory, config: { listen } })
      assert.equal(server.peerId, peerId)
    }
    await until(() => client.peers().length === 1)
    await server.stop()
    await rm(directory, { recursive: true })
  })
})

/** Waits until something holds; the test's own time limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => void setTimeout(resolve, 10))
}
