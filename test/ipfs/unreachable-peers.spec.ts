import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startNode } from './nodes.ts'

describe('configured peers that are away', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliport-node-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('are told with why, since when it first failed, until they are back', async () => {
    const server = await startNode({ directory })
    const [address = ''] = server.addresses()
    await server.stop()
    const client = await startNode({ config: { peers: [address] }, redialPause: 10 })
    assert.deepEqual(client.peers(), [])
    await until(() => client.unreachable().length === 1)
    const [first] = client.unreachable()
    assert.equal(first?.address, address)
    assert.match(first?.error ?? '', /ECONNREFUSED/)
    assert.ok(Math.abs(Date.now() - (first?.since ?? 0)) < 60_000)
    const again = await startNode({
      directory,
      config: { listen: [address.replace(/\/p2p\/.*/, '')] },
    })
    await until(() => client.peers().length === 1)
    await until(() => client.unreachable().length === 0)
    await again.stop()
    await until(() => client.unreachable().length === 1)
    assert.ok((client.unreachable()[0]?.since ?? 0) >= (first?.since ?? 0))
    await client.stop()
  })

  it('are not told where there are none', async () => {
    const node = await startNode()
    assert.deepEqual(node.unreachable(), [])
    await node.stop()
  })
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(5)
}
