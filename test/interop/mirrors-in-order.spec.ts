import assert from 'node:assert/strict'
import { OCI_IMAGE_MANIFEST } from '../../src/oci/media-type.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import type { NodeOptions } from '../support/two-nodes.ts'

/** Two sources, and a node that reads the first before the second. */
async function three(
  options: Omit<NodeOptions, 'mirrors'> = {},
): Promise<{ first: TestNode; second: TestNode; b: TestNode } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const first = stack.use(await TestNode.start())
  const second = stack.use(await TestNode.start())
  const b = stack.use(await TestNode.start({ ...options, mirrors: [first, second] }))
  const opened = stack.move()
  return { first, second, b, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

describe('several mirrors', () => {
  it('are asked in their order, after our own tree', async () => {
    await using nodes = await three()
    const { first, second, b } = nodes
    const [ofFirst, ofSecond, own] = [randomImage(), randomImage(), randomImage()]
    await first.client.pushImage('app', ofFirst, { tag: 'v1' })
    await second.client.pushImage('app', ofSecond, { tag: 'v1' })
    await b.follows(first)
    await b.follows(second)
    await b.client.pullsExactly('app', 'v1', ofFirst)
    await b.client.pullsExactly('app', ofSecond.digest, ofSecond)

    await b.client.pushImage('app', own, { tag: 'v1' })
    await b.client.pullsExactly('app', 'v1', own)

    await b.client.expect(202, 'DELETE', `/v2/app/manifests/${own.digest}`)
    // Deleted means gone, and not "the next one's".
    assert.equal(await b.client.digestOf('app', 'v1'), undefined)
    await b.restart({ mirrors: [second, first] })
    await b.follows(second)
  })

  it('fall to the second what the first does not have', async () => {
    await using nodes = await three()
    const { first, second, b } = nodes
    const [image, other] = [randomImage({ layers: [1_100_000] }), randomImage()]
    await second.client.pushImage('app', image, { tag: 'only-second' })
    await first.client.pushImage('app', other, { tag: 'only-first' })
    await b.follows(first)
    await b.follows(second)
    await b.client.pullsExactly('app', 'only-second', image)
    await b.client.pullsExactly('app', 'only-first', other)
  })

  it('are listed as one: tags, repositories and referrers, sorted, each once, in pages', async () => {
    await using nodes = await three()
    const { first, second, b } = nodes
    const image = randomImage()
    for (const [node, tags, name] of [
      [first, ['a', 'c', 'shared'], 'one'],
      [second, ['b', 'shared'], 'two'],
      [b, ['d', 'shared'], 'three'],
    ] as const) {
      for (const tag of tags) await node.client.pushImage('app', image, { tag })
      await node.client.pushImage(`of/${name}`, image, { tag: 'x' })
    }
    await b.follows(first)
    await b.follows(second)
    assert.deepEqual(await b.client.tags('app'), ['a', 'b', 'c', 'd', 'shared'])
    assert.deepEqual(await b.client.catalog(), ['app', 'of/one', 'of/three', 'of/two'])

    const pages: string[] = []
    let next: string | undefined = '/v2/app/tags/list?n=2'
    while (next !== undefined) {
      const { headers, json } = await b.client.expect(200, 'GET', next)
      pages.push((json() as { tags: string[] }).tags.join())
      next = /<([^>]+)>/.exec(headers.get('link') ?? '')?.[1]
    }
    assert.deepEqual(pages, ['a,b', 'c,d', 'shared'])
  })

  it('give the referrers of all of them, each once', async () => {
    await using nodes = await three()
    const { first, second, b } = nodes
    const image = randomImage()
    const signatures = [0, 1, 2].map((n) =>
      randomImage({ layers: [9], subject: image, extra: { artifactType: `test/${n}` } }),
    )
    const [one, two, both] = signatures as [typeof image, typeof image, typeof image]
    await first.client.pushImage('app', image, { tag: 'v1' })
    await first.client.pushImage('app', one)
    await first.client.pushImage('app', both)
    await second.client.pushImage('app', two)
    await second.client.pushImage('app', both)
    await b.follows(first)
    await b.follows(second)
    const list = await b.client.referrers('app', image.digest)
    assert.deepEqual(
      list.manifests.map(({ digest, artifactType, mediaType, size }) => ({
        digest,
        artifactType,
        mediaType,
        size,
      })),
      signatures
        .map(({ digest, size }, n) => ({
          digest: digest as string,
          artifactType: `test/${n}`,
          mediaType: OCI_IMAGE_MANIFEST as string,
          size,
        }))
        .toSorted((x, y) => (x.digest < y.digest ? -1 : 1)),
    )
    for (const signature of signatures)
      await b.client.pullsExactly('app', signature.digest, signature)
  })

  it('do not hold a pull when one of them has died', async () => {
    await using nodes = await three()
    const { first, second, b } = nodes
    const image = randomImage({ layers: [1_100_000] })
    await first.client.pushImage('app', randomImage(), { tag: 'first' })
    await second.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(first)
    await b.follows(second)
    await first.stop()
    await b.client.pullsExactly('app', 'v1', image)
    assert.deepEqual((await b.client.tags('app')).includes('v1'), true)
  })
})

describe('a mirror that is there and does not answer', () => {
  it('holds a pull no longer than its deadline, and the ones after it not at all', async function () {
    this.timeout(40_000)
    await using silent = await DaemonProcess.start()
    await new RegistryClient(silent.url).pushImage('app', randomImage(), { tag: 'silent' })
    await using second = await TestNode.start()
    const image = randomImage()
    await second.client.pushImage('app', image, { tag: 'v1' })
    await using b = await TestNode.start({
      mirrors: [silent.ipnsName, second],
      peers: [silent.peerAddress],
    })
    await b.follows(second)
    const { storage } = await silent.status()
    await b.until(({ mirrors }) => mirrors[0]?.root === storage.root, 'the root of the process')
    process.kill(silent.pid, 'SIGSTOP')
    // The time limits are the promise here: 10 s for the one question that finds out, then nothing.
    const signal = AbortSignal.timeout(15_000)
    await b.client.expect(200, 'GET', '/v2/app/manifests/v1', { signal })
    const soon = AbortSignal.timeout(5_000)
    await b.client.expect(200, 'GET', '/v2/app/tags/list', { signal: soon })
    await b.client.expect(200, 'GET', `/v2/app/blobs/${image.blobs[1]!.digest}`, { signal: soon })
    const [mirror] = (await b.status()).mirrors
    assert.notEqual(mirror?.error, null)
  })
})
