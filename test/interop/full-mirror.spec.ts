import assert from 'node:assert/strict'
import { indexOf, randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import type { RandomManifest } from '../support/random-image.ts'

/** A publisher, and a node that has a whole copy of it. */
async function publisherAndCopy() {
  await using stack = new AsyncDisposableStack()
  const a = stack.use(await TestNode.start())
  const b = stack.use(await TestNode.start({ mirrors: [{ key: a, replicate: 'full' }] }))
  const opened = stack.move()
  return { a, b, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

describe('a mirror that is full', () => {
  it('serves everything when the source is gone, also after its own restart, though nobody ever pulled', async () => {
    await using nodes = await publisherAndCopy()
    const { a, b } = nodes
    const images = [randomImage({ layers: [2_300_000, 100] }), randomImage()]
    const index = indexOf(images)
    const signature = randomImage({ subject: index })
    for (const [n, image] of images.entries())
      await a.client.pushImage('app', image, { tag: `v${n}` })
    await a.client.pushImage('app', index, { tag: 'all' })
    await a.client.pushImage('app', signature)
    await a.client.pushImage('other/deep', images[1]!, { tag: 'x' })
    await b.copies(a)
    await a.stop()
    const servesAll = async (): Promise<void> => {
      for (const [n, image] of images.entries()) await b.client.pullsExactly('app', `v${n}`, image)
      await b.client.pullsExactly('app', 'all', index)
      await b.client.pullsExactly('other/deep', 'x', images[1]!)
      assert.deepEqual(await b.client.catalog(), ['app', 'other/deep'])
      assert.deepEqual(await b.client.tags('app'), ['all', 'v0', 'v1'])
      const { manifests } = await b.client.referrers('app', index.digest)
      assert.deepEqual(
        manifests.map(({ digest }) => digest),
        [signature.digest],
      )
    }
    await servesAll()
    await b.restart({ mirrors: [{ key: a.name, replicate: 'full' }], peers: [] })
    await servesAll()
    const [mirror] = (await b.status()).mirrors
    assert.deepEqual(
      [mirror?.replication.state, mirror?.replication.root],
      ['complete', mirror?.root],
    )
    assert.equal(mirror?.replication.completeRoot, mirror?.root)
  })

  it('stays current over pushes and deletes, and tells how far it is', async () => {
    await using nodes = await publisherAndCopy()
    const { a, b } = nodes
    const pushed: RandomManifest[] = []
    for (let n = 0; n < 4; n++) {
      const image = randomImage({ layers: [50_000] })
      pushed.push(image)
      await a.client.pushImage('app', image, { tag: `v${n}` })
      if (n % 2 === 1) await b.copies(a)
    }
    await a.client.expect(202, 'DELETE', `/v2/app/manifests/${pushed[0]!.digest}`)
    await a.client.expect(202, 'DELETE', '/v2/app/manifests/v1')
    await b.copies(a)
    const { replication } = (await b.status()).mirrors[0]!
    assert.equal(replication.mode, 'full')
    assert.equal(replication.blobsDone, replication.blobsTotal)
    assert.equal(replication.bytesDone, replication.bytesTotal)
    assert.ok(Date.parse(replication.completedAt ?? '') <= Date.now())
    assert.equal(replication.error, null)
    await a.stop()
    assert.deepEqual(await b.client.tags('app'), ['v2', 'v3'])
    for (const n of [2, 3]) await b.client.pullsExactly('app', `v${n}`, pushed[n]!)
    assert.equal(await b.client.digestOf('app', 'v0'), undefined)
    await b.client.pullsExactly('app', pushed[1]!.digest, pushed[1]!)
  })

  it('is a source for others, who never meet the first one', async () => {
    await using nodes = await publisherAndCopy()
    const { a, b } = nodes
    const image = randomImage({ layers: [1_400_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.copies(a)
    await a.stop()
    await using c = await TestNode.start({
      mirrors: [{ key: a.name, replicate: 'full' }],
      peers: [b],
    })
    await c.until(
      ({ mirrors }) => mirrors[0]?.replication.state === 'complete',
      'a copy of the copy',
    )
    await b.stop()
    await c.client.pullsExactly('app', 'v1', image)
  })

  it('logs when it begins and when everything is here', async () => {
    await using nodes = await publisherAndCopy()
    const { a, b } = nodes
    await a.client.pushImage('app', randomImage(), { tag: 'v1' })
    await b.copies(a)
    const { root } = (await a.status()).storage
    const lines = b.log
      .join('')
      .split('\n')
      .filter((line) => line.includes('"replication"'))
    const of = (msg: string) =>
      lines.filter((line) => line.includes(`"${msg}"`) && line.includes(root))
    assert.equal(of('replication started').length, 1)
    assert.equal(of('replication complete').length, 1)
  })
})

describe('a mirror that is lazy', () => {
  it('serves what it has when the source is gone, and says in the status that it is no more', async () => {
    await using a = await TestNode.start()
    await using b = await TestNode.start({ mirrors: [a] })
    const [pulled, other] = [randomImage({ layers: [1_200_000] }), randomImage()]
    await a.client.pushImage('app', pulled, { tag: 'v1' })
    await a.client.pushImage('app', other, { tag: 'v2' })
    await b.follows(a)
    await b.client.pullsExactly('app', 'v1', pulled)
    await a.stop()
    await b.client.pullsExactly('app', 'v1', pulled)
    const { status } = await b.client.call('GET', `/v2/app/blobs/${other.blobs[1]!.digest}`)
    assert.ok(status === 404 || status === 503, String(status))
    const { replication } = (await b.status()).mirrors[0]!
    assert.deepEqual(
      [replication.mode, replication.state, replication.completeRoot],
      ['lazy', 'idle', null],
    )
  })
})
