import assert from 'node:assert/strict'
import { join } from 'node:path'
import { collectOnce } from '../faults/collect-once.ts'
import { openDisk } from '../support/disk.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'

describe('a mirror of which nobody can read what serves', () => {
  it('loses nothing to a collection, which says so, until it is given up', async () => {
    await using a = await TestNode.start()
    const image = randomImage({ layers: [1_500_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await using b = await TestNode.start({ mirrors: [a], env: { REGISTRY_RETENTION_LEASE: '1s' } })
    await b.follows(a)
    await b.client.pullsExactly('app', 'v1', image)
    await b.stop()
    const map = 'mirrors'
    let whole: Uint8Array | undefined
    {
      await using disk = await openDisk(b.data)
      whole = await disk.state.map(map).get(a.name)
      await disk.state.map(map).put(a.name, Buffer.from('{'))
    }
    await b.restart()
    const { text } = await collectOnce(join(b.data, 'heliport.sock'))
    assert.match(text, /the mirror k51\w+ cannot be read/)
    await b.stop()
    {
      await using disk = await openDisk(b.data)
      await disk.state.map(map).put(a.name, whole ?? assert.fail('nothing was remembered'))
    }
    await a.stop()
    await b.restart()
    await b.client.pullsExactly('app', 'v1', image)
  })
})
