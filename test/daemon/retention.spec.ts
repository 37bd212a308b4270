import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { LEASE, openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { descriptorOf, indexOf, randomImage } from '../support/random-image.ts'
import { byDigest, pushBlobs, tagged } from '../support/registry-setup.ts'
import type { Reference } from '../../src/oci/name.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { GcWorld } from '../faults/gc-world.ts'

const app = parseName('team/app')
const DAYS = 10 * LEASE

async function push({ service }: GcWorld, image: RandomManifest, where?: Reference): Promise<void> {
  await pushBlobs(service, image.blobs, app)
  const reference = where ?? byDigest(image.digest)
  await service.putManifest(app, reference, image.bytes, image.mediaType)
}

async function isThere({ storage }: GcWorld, { digest }: RandomManifest): Promise<boolean> {
  return (await storage.source.reader()?.manifest(app, digest)) !== undefined
}

const v1 = tagged(parseTag('v1'))

describe('manifests without a tag', () => {
  it('go after a time, counted from when one was first found so, and their blobs after them', async () => {
    await using gc = await openWorld(new SeededRandom(1), { untagged: DAYS })
    const [old, now] = [randomImage({ layers: [50_000] }), randomImage({ layers: [60_000] })]
    await push(gc, old, v1)
    gc.pass(5 * DAYS)
    await gc.collector.collect({ dryRun: false })
    await push(gc, now, v1)
    gc.pass(LEASE)
    await gc.collector.collect({ dryRun: false })
    gc.pass(DAYS - 1)
    assert.equal((await gc.collector.collect({ dryRun: false })).manifests, 0)
    gc.pass(1)
    assert.equal((await gc.collector.collect({ dryRun: true })).manifests, 1)
    assert.ok(await isThere(gc, old), 'a dry run removes nothing')
    assert.equal((await gc.collector.collect({ dryRun: false })).manifests, 1)
    assert.equal(await isThere(gc, old), false)
    assert.ok(await isThere(gc, now))
    gc.pass(2 * LEASE) // somebody has just read from that root
    const { blobs, bytes } = await gc.collector.collect({ dryRun: false })
    assert.equal(blobs, 2)
    assert.ok(bytes > 50_000 && bytes < 60_000, `${bytes}`)
  })

  it('stay when an index with a tag lists them, or they refer to what stays', async () => {
    await using gc = await openWorld(new SeededRandom(1), { untagged: DAYS })
    const child = randomImage()
    const index = indexOf([child])
    const signature = randomImage({ subject: descriptorOf(index) })
    const ofSignature = randomImage({ subject: descriptorOf(signature) })
    const alone = randomImage()
    const ofAlone = randomImage({ subject: descriptorOf(alone) })
    for (const image of [child, signature, ofSignature, alone, ofAlone]) await push(gc, image)
    await push(gc, index, v1)
    gc.pass(LEASE)
    await gc.collector.collect({ dryRun: false })
    gc.pass(DAYS)
    assert.equal((await gc.collector.collect({ dryRun: false })).manifests, 2)
    for (const image of [child, index, signature, ofSignature]) assert.ok(await isThere(gc, image))
    for (const image of [alone, ofAlone]) assert.equal(await isThere(gc, image), false)
  })

  it('stay while somebody was told of them a short time ago, and begin anew when they had a tag again', async () => {
    await using gc = await openWorld(new SeededRandom(1), { untagged: DAYS })
    const [image, other] = [randomImage(), randomImage()]
    await push(gc, image)
    await gc.collector.collect({ dryRun: false })
    gc.pass(2 * DAYS)
    await gc.service.getManifest(app, byDigest(image.digest))
    assert.equal((await gc.collector.collect({ dryRun: false })).manifests, 0)
    await push(gc, image, v1)
    await gc.collector.collect({ dryRun: false })
    await push(gc, other, v1)
    gc.pass(DAYS)
    assert.equal((await gc.collector.collect({ dryRun: false })).manifests, 0)
    gc.pass(DAYS)
    assert.equal((await gc.collector.collect({ dryRun: false })).manifests, 1)
    assert.equal(await isThere(gc, image), false)
  })
})
