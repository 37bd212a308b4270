import assert from 'node:assert/strict'
import { join } from 'node:path'
import { digestOf } from '../../../src/oci/digest.ts'
import { run } from '../../e2e/support/command.ts'
import { RegistryClient } from '../../support/client.ts'
import { temporaryDirectory } from '../../support/temporary.ts'
import { startHeliport } from '../contenders.ts'
import { imageManifest } from '../load/manifest.ts'
import { CONTENT, LAYER, repositoryAt, seedlings, shapeOf, tagAt } from './shape.ts'
import { growHeliport } from './heliport.ts'
import { leafEnd } from './sparse.ts'

const LAUNCHER = join(import.meta.dirname, '../../../bin/heliport.cjs')

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

describe('content of many large leaves', () => {
  const shape = { repositories: 1, tags: 1 }

  it('is pulled byte for byte, and takes next to nothing on the disk', async () => {
    await using directory = await temporaryDirectory()
    const data = join(directory.path, 'data')
    await growHeliport(data, shape, { gib: 2, leaves: 3 })
    await using running = await startHeliport({ data })
    const client = new RegistryClient(`http://${running.host}`)
    assert.deepEqual(await client.tags(CONTENT), [0, 1].map(tagAt))
    for (const blob of [0, 1]) {
      const leaves = [0, 1, 2].map((leaf) =>
        Buffer.concat([Buffer.alloc(2 ** 20 - 64), leafEnd(blob, leaf)]),
      )
      const bytes = Buffer.concat(leaves)
      const image = imageManifest([{ digest: digestOf(bytes), size: bytes.length }])
      assert.equal((await client.manifest(CONTENT, tagAt(blob))).digest, image.digest)
      assert.ok((await client.blob(CONTENT, digestOf(bytes))).equals(bytes))
    }
    const used = await run('du', ['-sk', join(data, 'blocks')])
    assert.ok(Number.parseInt(used) < 3 * 1024, used)
  })

  it('is whole to heliport fsck', async () => {
    await using directory = await temporaryDirectory()
    await growHeliport(directory.path, { repositories: 2, tags: 3 }, { gib: 1, leaves: 3 })
    const fsck = [LAUNCHER, 'fsck', '--json', '--data', directory.path]
    const { findings, checked } = JSON.parse(await run(process.execPath, fsck)) as {
      findings: unknown[]
      checked: { manifests: number }
    }
    assert.deepEqual(findings, [])
    assert.equal(checked.manifests, 7)
  })
})
