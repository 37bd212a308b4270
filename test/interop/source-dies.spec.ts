import assert from 'node:assert/strict'
import { CID } from 'multiformats/cid'
import { openDisk } from '../support/disk.ts'
import { randomImage, store } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { StateWrite } from '../../src/blocks/state-db.ts'

/** Small blocks in the state database, by key. */
async function smallBlocks(data: string): Promise<Map<string, StateWrite>> {
  await using disk = await openDisk(data)
  const found = new Map<string, StateWrite>()
  for await (const [key, value] of disk.state.entries(Buffer.from('b/')))
    found.set(Buffer.from(key).toString('hex'), { key, value })
  return found
}

/**
 * Commits an image on a stopped node, and takes away the tree nodes that came with it: when the node starts, it
 * announces a root that it cannot serve. Returns what was taken, to be given back.
 */
async function commitAndLose(node: TestNode, image: RandomManifest): Promise<StateWrite[]> {
  const before = await smallBlocks(node.data)
  {
    await using disk = await openDisk(node.data)
    const { lane: writer, contents: content } = disk
    await store({ writer, content }, parseName('app'), image, parseTag('latest'))
  }
  const added = [...(await smallBlocks(node.data))].filter(([key]) => !before.has(key))
  const taken = added.map(([, write]) => write)
  await using disk = await openDisk(node.data)
  await disk.state.write(taken.map(({ key }) => ({ key, value: undefined })))
  return taken
}

describe('a source that dies between announcing a new root and serving its nodes', () => {
  it('leaves its mirror serving the old root, also after a restart, until the new one can be had', async () => {
    await using a = await TestNode.start()
    const [old, young] = [randomImage({ layers: [1_200_000] }), randomImage()]
    await a.client.pushImage('app', old, { tag: 'latest' })
    await using b = await TestNode.start({ mirrors: [a] })
    await b.follows(a)
    await b.client.pullsExactly('app', 'latest', old)
    const [{ root: oldRoot, sequence } = assert.fail()] = (await b.status()).mirrors

    await a.stop()
    const taken = await commitAndLose(a, young)
    assert.ok(taken.length > 5)
    await a.restart({ peers: [b] })
    const { storage } = await a.status()
    assert.notEqual(storage.root, oldRoot)
    await b.until(
      ({ mirrors }) =>
        mirrors[0]?.state === 'advancing' && (mirrors[0].error ?? '').includes(storage.root),
      'news of the root that cannot be had',
    )
    const servesOld = async (): Promise<void> => {
      await b.client.pullsExactly('app', 'latest', old)
      assert.deepEqual(await b.client.tags('app'), ['latest'])
      const [mirror] = (await b.status()).mirrors
      assert.deepEqual([mirror?.root, mirror?.sequence], [oldRoot, sequence])
    }
    await servesOld()
    await a.stop()
    await servesOld()
    await b.restart()
    await servesOld()

    {
      await using disk = await openDisk(a.data)
      await disk.state.write(taken)
    }
    await a.restart({ peers: [b] })
    await b.follows(a)
    await b.client.pullsExactly('app', 'latest', young)
    assert.ok(CID.parse(storage.root).equals(CID.parse((await b.status()).mirrors[0]!.root!)))
  })
})
