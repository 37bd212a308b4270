import assert from 'node:assert/strict'
import { join } from 'node:path'
import { run } from '../e2e/support/command.ts'
import { copy } from '../e2e/support/skopeo.ts'
import { indexOf, randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { TestNode, eventually } from '../support/two-nodes.ts'
import { CosignSigner, at, tool } from './signer.ts'
import type { Way } from './signer.ts'

const WAYS: readonly Way[] = ['bundle', 'tag', 'referrer']

describe('a mirror of which only what cosign signed is taken', function () {
  this.timeout(120_000)
  const cleanUp = new AsyncDisposableStack()
  let signer: CosignSigner
  let [a, b]: TestNode[] = []

  before(async () => {
    signer = cleanUp.use(await CosignSigner.start())
    a = cleanUp.use(await TestNode.start())
    const policy = { key: a, signedBy: [signer.publicKey()] }
    b = cleanUp.use(await TestNode.start({ mirrors: [policy] }))
  })
  after(() => cleanUp.disposeAsync())

  const nodes = (): { a: TestNode; b: TestNode } => {
    assert.ok(a && b)
    return { a, b }
  }

  async function pulls(node: TestNode, name: string, reference: string): Promise<void> {
    await using directory = await temporaryDirectory()
    await run(await tool('crane'), [
      'pull',
      '--insecure',
      at(node, name, reference),
      join(directory.path, 'x.tar'),
    ])
    await copy(`docker://${at(node, name, reference)}`, `dir:${directory.path}/dir`)
  }

  const refuses = async (node: TestNode, name: string, reference: string): Promise<void> => {
    const { status } = await node.client.call('GET', `/v2/${name}/manifests/${reference}`)
    assert.equal(status, 404)
    await assert.rejects(pulls(node, name, reference), /MANIFEST_UNKNOWN|manifest unknown/i)
  }

  for (const way of WAYS) {
    it(`gives a signed image to crane and skopeo, and cosign verifies through it (${way})`, async () => {
      const { a, b } = nodes()
      const name = `signed/${way}`
      const image = randomImage()
      await a.client.pushImage(name, image, { tag: 'v1' })
      await b.follows(a)
      await refuses(b, name, 'v1')
      await signer.sign(a, name, image.digest, way)
      await eventually(
        async () => (await b.client.digestOf(name, 'v1')) === image.digest,
        'the signed image',
      )
      for (const reference of ['v1', image.digest]) await pulls(b, name, reference)
      await signer.verifies(b, name, 'v1', way)
    })

    it(`refuses what another key signed (${way})`, async () => {
      const { a, b } = nodes()
      const name = `stranger/${way}`
      const image = randomImage()
      await a.client.pushImage(name, image, { tag: 'v1' })
      await signer.sign(a, name, image.digest, way, 'stranger')
      await b.follows(a)
      for (const reference of ['v1', image.digest]) await refuses(b, name, reference)
      const { mirrors } = await b.status()
      assert.match(mirrors[0]?.error ?? '', /is not signed by a key of its signedBy/)
    })
  }

  it('gives the images of a signed index, and after a restart too', async () => {
    const { a, b } = nodes()
    const [child, other, stray] = [randomImage(), randomImage(), randomImage()]
    const index = indexOf([child, other])
    for (const each of [child, other, stray]) await a.client.pushImage('multi', each)
    await a.client.pushImage('multi', index, { tag: 'v1' })
    await signer.sign(a, 'multi', index.digest, 'bundle')
    await b.follows(a)
    await using directory = await temporaryDirectory()
    await copy(`docker://${at(b, 'multi', 'v1')}`, `dir:${directory.path}/all`, '--all')
    await pulls(b, 'multi', child.digest)
    await refuses(b, 'multi', stray.digest)
    await b.restart()
    await pulls(b, 'multi', other.digest)
  })

  it('refuses an image whose signature was deleted before it was read, until it is signed again', async () => {
    const { a, b } = nodes()
    const image = randomImage()
    await a.client.pushImage('again', image, { tag: 'v1' })
    await signer.sign(a, 'again', image.digest, 'bundle')
    const { manifests } = await a.client.referrers('again', image.digest)
    for (const { digest } of manifests)
      await a.client.expect(202, 'DELETE', `/v2/again/manifests/${digest}`)
    await b.follows(a)
    await refuses(b, 'again', 'v1')
    await signer.sign(a, 'again', image.digest, 'tag')
    await eventually(
      async () => (await b.client.digestOf('again', 'v1')) === image.digest,
      'the image, signed again',
    )
    await pulls(b, 'again', 'v1')
  })

  it('does not notice a tag that goes back to an older signed image: sequences of names do, signatures do not', async () => {
    const { a, b } = nodes()
    const [older, newer] = [randomImage(), randomImage()]
    for (const image of [older, newer]) {
      await a.client.pushImage('replayed', image, { tag: 'v1' })
      await signer.sign(a, 'replayed', image.digest, 'bundle')
    }
    await b.follows(a)
    assert.equal(await b.client.digestOf('replayed', 'v1'), newer.digest)
    await a.client.putManifest('replayed', 'v1', older)
    await b.follows(a)
    assert.equal(await b.client.digestOf('replayed', 'v1'), older.digest)
  })
})
