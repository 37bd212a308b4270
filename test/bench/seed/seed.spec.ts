import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { RegistryClient } from '../../support/client.ts'
import { startHeliport } from '../contenders.ts'
import { LAYER, repositoryAt, seedlings, shapeOf, tagAt } from './shape.ts'
import { zeros } from './zeros.ts'

describe('a registry that was grown', () => {
  it('is served as if it had been pushed', async () => {
    const shape = { repositories: 3, tags: 4 }
    await using running = await startHeliport({ seed: shape })
    const client = new RegistryClient(`http://${running.host}`)
    assert.deepEqual(await client.catalog(), [0, 1, 2].map(repositoryAt))
    assert.deepEqual(await client.tags(repositoryAt(1)), [0, 1, 2, 3].map(tagAt))
    for (const { repository, tag, image } of seedlings(shape)) {
      const { digest, bytes } = await client.manifest(repository, tag)
      assert.equal(digest, image.digest)
      assert.ok(bytes.equals(image.bytes))
      assert.ok((await client.blob(repository, image.config.digest)).equals(image.config.bytes))
      assert.ok((await client.blob(repository, LAYER.digest)).equals(LAYER.bytes))
    }
  })

  it('has as many manifests as were asked for, in repositories of a hundred', () => {
    assert.deepEqual(shapeOf(10), { repositories: 1, tags: 10 })
    assert.deepEqual(shapeOf(1000), { repositories: 10, tags: 100 })
    assert.deepEqual(shapeOf(100_000), { repositories: 1000, tags: 100 })
    const digests = [...seedlings({ repositories: 2, tags: 3 })].map(({ image }) => image.digest)
    assert.equal(new Set(digests).size, 6)
  })
})

describe('a blob of zeros', () => {
  it('has the digest of its bytes, and no other one’s', async () => {
    const { digest, bytes } = zeros(3)
    const hash = createHash('sha256')
    for await (const piece of bytes()) hash.update(piece)
    assert.equal(digest, `sha256:${hash.digest('hex')}`)
    assert.notEqual(zeros(4).digest, digest)
  })
})
