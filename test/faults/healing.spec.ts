import assert from 'node:assert/strict'
import { readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomImage } from '../support/random-image.ts'
import { TestNode, twoNodes } from '../support/two-nodes.ts'

/** Every file of the block store, but those that were set aside. */
async function blockFiles(node: TestNode): Promise<string[]> {
  const directory = join(node.data, 'blocks')
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.endsWith('/damaged'))
  return files.map((file) => join(file.parentPath, file.name))
}

async function damaged(node: TestNode): Promise<number> {
  const { storage } = await node.status()
  return (storage as unknown as { damagedBlocks: number }).damagedBlocks
}

describe('F08: damaged blocks of our own', () => {
  it('come back from a mirror, so that nobody who pulls notices', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage({ layers: [20_000, 2_500_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    const { root } = (await a.status()).storage
    await b.until(({ mirrors }) => mirrors[0]?.root === root, 'the root of the publisher')
    await b.client.pullsExactly('app', 'v1', image)
    for (const [n, file] of (await blockFiles(a)).entries())
      await (n % 2 === 0 ? truncate(file, 1000) : writeFile(file, 'rot'))
    await a.client.pullsExactly('app', 'v1', image)
    assert.equal(await damaged(a), 0)
    await b.stop()
    await a.client.pullsExactly('app', 'v1', image) // from its own disk again
  })

  it('are set aside, counted, and forgotten when they are pushed again', async () => {
    await using node = await TestNode.start()
    const { client } = node
    const image = randomImage({ layers: [100_000] })
    await client.pushImage('app', image, { tag: 'v1' })
    const [file = assert.fail()] = await blockFiles(node)
    await writeFile(file, 'rot')
    const path = `/v2/app/blobs/${image.blobs.find(({ bytes }) => bytes.length === 100_000)?.digest}`
    for (const method of ['GET', 'HEAD', 'GET'])
      assert.equal((await client.call(method, path)).status, 503)
    assert.equal(await damaged(node), 1)
    assert.equal((await readdir(join(node.data, 'blocks', 'damaged'))).length, 1)
    assert.deepEqual(await blockFiles(node), [])
    await client.pushImage('app', image, { tag: 'v1' })
    await client.pullsExactly('app', 'v1', image)
    assert.equal(await damaged(node), 0)
  })
})
