import assert from 'node:assert/strict'
import { loseLargeBlocks } from '../support/disk.ts'
import { publishForeign, stockFiles } from '../support/foreign-tree.ts'
import { exportKey, importKey } from '../support/node-keys.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import type { NodeOptions } from '../support/two-nodes.ts'

/** The node with that key writes under it. */
const WRITER: NodeOptions = { env: { REGISTRY_IPNS_WRITEKEY: 'main' } }

/** A source with two images, its key, and a node that has a copy of it, of whatever kind. */
async function setUp(policy: { replicate: 'full' | 'lazy'; repositories?: string[] }) {
  await using stack = new AsyncDisposableStack()
  const a = stack.use(await TestNode.start())
  const images = [randomImage({ layers: [1_300_000] }), randomImage()] as const
  await a.client.pushImage('app', images[0], { tag: 'v1' })
  await a.client.pushImage('other', images[1], { tag: 'v1' })
  const b = stack.use(await TestNode.start({ mirrors: [{ key: a, ...policy }], readOnly: true }))
  await b.follows(a)
  const { name } = a
  /** The source is gone, and the mirror gets its key. */
  const lose = async (): Promise<void> => {
    await a.stop()
    await b.stop()
    await importKey(b, 'main', await exportKey(a))
  }
  const opened = stack.move()
  return { a, b, name, images, lose, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

describe('a full mirror that is given the key', () => {
  it('becomes the writer: a follower sees nothing vanish, and goes on with new pushes', async () => {
    await using nodes = await setUp({ replicate: 'full' })
    const { a, b, name, images, lose } = nodes
    await b.copies(a)
    await using c = await TestNode.start({ mirrors: [a], peers: [b] })
    await c.follows(a)
    await c.client.pullsExactly('app', 'v1', images[0])
    const before = (await c.status()).mirrors[0]!
    const root = (await a.status()).storage.root
    await lose()

    await b.restart({ mirrors: [], peers: [c], readOnly: false, ...WRITER })
    assert.equal(b.name, name)
    assert.equal((await b.status()).storage.root, root)
    await b.client.pullsExactly('other', 'v1', images[1])
    const { mirrors } = await c.until(
      (status) => (status.mirrors[0]?.sequence ?? 0) > before.sequence!,
      'a record of the new writer',
    )
    assert.equal(mirrors[0]!.root, root)
    await c.client.pullsExactly('other', 'v1', images[1])

    const image = randomImage()
    await b.client.pushImage('app', image, { tag: 'v2' })
    await b.client.expect(202, 'DELETE', '/v2/other/manifests/v1')
    await c.follows(b)
    await c.client.pullsExactly('app', 'v2', image)
    await c.client.pullsExactly('app', 'v1', images[0])
    assert.deepEqual(await c.client.tags('app'), ['v1', 'v2'])
    const last = (await c.status()).mirrors[0]!
    assert.ok(last.sequence! > before.sequence!, `${last.sequence} after ${before.sequence}`)

    await b.restart()
    await b.client.pullsExactly('app', 'v2', image)
    assert.equal((await b.status()).ipns?.error, null)
  })

  it('needs nobody for it, and may go on naming itself among its mirrors', async () => {
    await using nodes = await setUp({ replicate: 'full' })
    const { a, b, name, images, lose } = nodes
    await b.copies(a)
    await lose()
    const mirrors = [{ key: name, replicate: 'full' as const }]
    await b.restart({ mirrors, peers: [], readOnly: false, ...WRITER })
    await b.client.pullsExactly('app', 'v1', images[0])
    await b.client.expect(202, 'DELETE', '/v2/app/manifests/v1')
    assert.equal(await b.client.digestOf('app', 'v1'), undefined)
    assert.deepEqual((await b.status()).mirrors, [])
    await b.restart()
    assert.equal(await b.client.digestOf('app', 'v1'), undefined)
  })
})

describe('a full mirror of a tree that another program drew', () => {
  it('becomes a writer that can change it: the same content under a root of its own', async () => {
    const image = randomImage()
    await using a = await TestNode.start()
    await a.stop()
    await publishForeign(a.data, stockFiles('library/app', image))
    await a.restart()
    await using b = await TestNode.start({
      mirrors: [{ key: a, replicate: 'full' }],
      readOnly: true,
    })
    await b.copies(a)
    await using c = await TestNode.start({ mirrors: [a], peers: [b] })
    await c.follows(a)
    const { root } = (await a.status()).storage
    await a.stop()
    await b.stop()
    await importKey(b, 'main', await exportKey(a))
    await b.restart({ mirrors: [], peers: [c], readOnly: false, ...WRITER })
    assert.notEqual((await b.status()).storage.root, root)
    await b.client.pullsExactly('library/app', 'v7', image)

    const added = randomImage()
    await b.client.pushImage('library/app', added, { tag: 'new' })
    await b.client.expect(202, 'DELETE', '/v2/library/app/manifests/v7')
    await c.follows(b)
    await c.client.pullsExactly('library/app', 'new', added)
    await c.client.pullsExactly('library/app', 'v8', image)
    assert.equal(await c.client.digestOf('library/app', 'v7'), undefined)
    await b.restart()
    await b.client.pullsExactly('library/app', 'new', added)
  })
})

describe('a mirror that is given the key and does not have everything', () => {
  const refuses = async (b: TestNode, options: NodeOptions, why: RegExp): Promise<void> => {
    await assert.rejects(
      b.restart({ peers: [], readOnly: false, ...WRITER, ...options }),
      (error: Error) => {
        assert.equal(error.name, 'StartError')
        assert.match(
          error.message,
          /^ipns\.writeKey main publishes k51\w+, a name that this node mirrors, and /,
        )
        assert.match(error.message, why)
        assert.match(error.message, /would take the rest away from everybody who follows it/)
        assert.doesNotMatch(error.message, /\n/)
        return true
      },
    )
  }

  it('refuses to start when it is lazy, says what to do, and that works', async () => {
    await using nodes = await setUp({ replicate: 'lazy' })
    const { a, b, name, images, lose } = nodes
    await lose()
    await refuses(
      b,
      { mirrors: [] },
      /no root of it was ever complete here.* Start with ipns\.writeKey: null/,
    )
    await refuses(b, { mirrors: [name] }, /no root of it was ever complete here/)

    await a.restart()
    await b.restart({ mirrors: [{ key: a, replicate: 'full' }], readOnly: true, env: {} })
    await b.copies(a)
    await a.stop()
    await b.restart({ mirrors: [], peers: [], readOnly: false, ...WRITER })
    await b.client.pullsExactly('other', 'v1', images[1])
  })

  it('refuses to start when only some repositories are here', async () => {
    await using nodes = await setUp({ replicate: 'full', repositories: ['app'] })
    const { a, b, lose } = nodes
    await b.copies(a)
    await lose()
    await refuses(b, { mirrors: [] }, /only some of its repositories are here \(app\)/)
  })

  it('refuses to start when a block of the copy is gone', async () => {
    await using nodes = await setUp({ replicate: 'full' })
    const { a, b, images, lose } = nodes
    await b.copies(a)
    await lose()
    await loseLargeBlocks(b.data)
    await refuses(b, { mirrors: [] }, /its copy is not whole any more: \d+ parts cannot be had/)
    await a.restart()
    await b.restart({ mirrors: [{ key: a, replicate: 'full' }], readOnly: true, env: {} })
    await b.client.pullsExactly('app', 'v1', images[0]) // which mends it
    await a.stop()
    await b.restart({ mirrors: [], peers: [], readOnly: false, ...WRITER })
  })

  it('refuses to start on a registry that has a tree of its own', async () => {
    await using nodes = await setUp({ replicate: 'full' })
    const { a, b, lose } = nodes
    await b.copies(a)
    await b.restart({ readOnly: false })
    await b.client.pushImage('mine', randomImage(), { tag: 'v1' })
    await lose()
    await refuses(b, { mirrors: [] }, /has a tree of its own already.* new data directory/)
    await b.restart({ readOnly: false, env: {} })
    assert.deepEqual(await b.client.tags('mine'), ['v1'])
  })

  it('refuses to start when the name is to be mirrored and nothing of it is here', async () => {
    await using a = await TestNode.start()
    await a.client.pushImage('app', randomImage(), { tag: 'v1' })
    const { name } = a
    await a.stop()
    await using b = await TestNode.start({ readOnly: true, mirrors: [NOBODY] })
    await b.stop()
    await importKey(b, 'main', await exportKey(a))
    await refuses(b, { mirrors: [{ key: name, replicate: 'full' }] }, /nothing of it is here yet/)
  })
})

/** A name that nobody publishes. */
const NOBODY = 'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8'
