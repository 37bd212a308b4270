import assert from 'node:assert/strict'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { PublishRules } from '../../src/oci/publish-rules.ts'
import { LEASE, openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { randomImage, store } from '../support/random-image.ts'
import { pushBlobs } from '../support/registry-setup.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'

const rules = new PublishRules([{ match: ['secret/**' as RepositoryPattern], publish: false }])
const [SECRET, TEAM] = ['secret/app', 'team/app'].map(parseName)

describe('collections where not everything is published', () => {
  it('keep what a client was told to be in a private repository as long as its lease, and give it to no peer meanwhile', async () => {
    await using world = await openWorld(new SeededRandom(1), { waits: false, rules })
    const { service, storage, collector } = world
    assert.ok(SECRET !== undefined && TEAM !== undefined)
    const image = randomImage()
    const [config, layer] = image.blobs
    assert.ok(config !== undefined && layer !== undefined)
    await pushBlobs(service, image.blobs, SECRET)
    await pushBlobs(service, [config], TEAM) // in both
    const [shared, hidden] = [config, layer].map(({ bytes }) => cidFromHash(RAW, sha256(bytes)))
    assert.ok(shared !== undefined && hidden !== undefined)
    const collect = () => collector.collect({ dryRun: false })
    world.pass(0.9 * LEASE)
    await service.getBlob(SECRET, layer.digest) // from now on
    await collect()
    world.pass(0.9 * LEASE)
    await collect()
    await service.getBlob(SECRET, layer.digest)
    assert.equal(await storage.blocks.isLinked(hidden), false)
    await store({ writer: storage.lane, content: storage.contents }, TEAM, image, parseTag('v1'))
    assert.equal(await storage.blocks.isLinked(hidden), true)
    world.pass(3 * LEASE)
    await collect()
    await assert.rejects(service.getBlob(SECRET, layer.digest), { code: 'BLOB_UNKNOWN' })
    assert.equal((await service.getBlob(TEAM, layer.digest)).size, layer.size)
    assert.deepEqual(
      [await storage.blocks.isLinked(shared), await storage.blocks.isLinked(hidden)],
      [true, true],
    )
  })
})
