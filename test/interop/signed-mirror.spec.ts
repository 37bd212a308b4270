import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Signer, signatureManifest, statement } from '../registry/signatures/forge.ts'
import { indexOf, randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { TestNode, eventually } from '../support/two-nodes.ts'
import type { RandomManifest } from '../support/random-image.ts'

const signer = new Signer()

/** Signs as cosign does, and pushes the signature. */
async function sign(node: TestNode, name: string, manifest: RandomManifest): Promise<void> {
  const bundle = signer.bundle(statement(manifest.digest))
  await node.client.pushImage(name, signatureManifest([bundle], manifest))
}

describe('a mirror with signedBy', () => {
  for (const replicate of ['lazy', 'full'] as const) {
    it(`serves what is signed and nothing else, over a restart too (${replicate})`, async () => {
      await using directory = await temporaryDirectory()
      const file = join(directory.path, 'cosign.pub')
      await writeFile(file, signer.pem)
      await using a = await TestNode.start()
      const [unsigned, child] = [randomImage(), randomImage()]
      const index = indexOf([child])
      await a.client.pushImage('app', unsigned, { tag: 'unsigned' })
      await a.client.pushImage('app', child)
      await a.client.pushImage('app', index, { tag: 'signed' })
      await sign(a, 'app', index)
      await using b = await TestNode.start({ mirrors: [{ key: a, replicate, signedBy: [file] }] })
      await b.follows(a)
      if (replicate === 'full') {
        await b.copies(a)
        await a.stop()
      }
      assert.equal(await b.client.digestOf('app', 'signed'), index.digest)
      await b.client.pullsExactly('app', child.digest, child)
      for (const what of ['manifests/unsigned', `manifests/${unsigned.digest}`]) {
        const answer = await b.client.call('GET', `/v2/app/${what}`)
        assert.deepEqual([answer.status, answer.code()], [404, 'MANIFEST_UNKNOWN'], what)
      }
      const blob = await b.client.call('GET', `/v2/app/blobs/${unsigned.digest}`)
      assert.deepEqual([blob.status, blob.code()], [404, 'BLOB_UNKNOWN'])
      const { mirrors } = await b.status()
      assert.match(mirrors[0]?.error ?? '', /is not signed by a key of its signedBy/)
      assert.match(b.log.join(''), /is not signed by a key of its signedBy/)

      await b.restart()
      await b.client.pullsExactly('app', child.digest, child)
      assert.equal((await b.client.call('GET', '/v2/app/manifests/unsigned')).status, 404)

      const other = new Signer()
      await writeFile(file, other.pem)
      await b.restart()
      assert.equal((await b.client.call('GET', '/v2/app/manifests/signed')).status, 404)
    })
  }

  it('leaves what is unsigned to the next mirror', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'cosign.pub')
    await writeFile(file, signer.pem)
    await using a = await TestNode.start()
    await using c = await TestNode.start()
    const [hostile, trusted] = [randomImage(), randomImage()]
    await a.client.pushImage('app', hostile, { tag: 'v1' })
    await c.client.pushImage('app', trusted, { tag: 'v1' })
    await using b = await TestNode.start({ mirrors: [{ key: a, signedBy: [file] }, c] })
    await b.follows(a)
    await b.follows(c)
    await b.client.pullsExactly('app', 'v1', trusted)
    await sign(a, 'app', hostile)
    await eventually(
      async () => (await b.client.digestOf('app', 'v1')) === hostile.digest,
      'the tag of the first mirror, signed now',
    )
  })
})

describe('a repository with a rule of signatures', () => {
  it('answers 403 until what it holds is signed, whether it was pushed here or is in a mirror', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'cosign.pub')
    await writeFile(file, signer.pem)
    await using a = await TestNode.start()
    const [theirs, mine] = [randomImage(), randomImage()]
    await a.client.pushImage('release/app', theirs, { tag: 'theirs' })
    const rules = JSON.stringify([{ repositories: ['release/*'], keys: [file] }])
    await using b = await TestNode.start({ mirrors: [a], env: { REGISTRY_SIGNATURES: rules } })
    await b.follows(a)
    await b.client.pushImage('release/app', mine, { tag: 'mine' })
    for (const [tag, image] of [
      ['theirs', theirs],
      ['mine', mine],
    ] as const) {
      for (const method of ['GET', 'HEAD'])
        assert.equal((await b.client.call(method, `/v2/release/app/manifests/${tag}`)).status, 403)
      const answer = await b.client.call('GET', `/v2/release/app/manifests/${image.digest}`)
      assert.deepEqual([answer.status, answer.code()], [403, 'DENIED'])
      await sign(b, 'release/app', image)
      await b.client.pullsExactly('release/app', tag, image)
    }
  })
})
