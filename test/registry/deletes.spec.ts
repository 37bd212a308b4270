import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { Tombstones } from '../../src/registry/tombstones.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage, store } from '../support/random-image.ts'
import {
  APP,
  byDigest,
  createRegistry,
  pushBlobs,
  tagged,
  twisted,
} from '../support/registry-setup.ts'
import type { RandomManifest } from '../support/random-image.ts'

const fill = (registry: MemoryRegistry, image: RandomManifest, ...tags: string[]) =>
  store({ writer: registry, content: registry.content }, APP, image).then(() =>
    registry.transact(async (tx) => {
      for (const tag of tags) await tx.setTag(APP, parseTag(tag), image.digest)
    }),
  )

describe('deleting', () => {
  it('by tag removes the tag alone', async () => {
    const { service, own } = await createRegistry()
    const image = randomImage()
    await fill(own, image, 'v1', 'v2')
    await service.deleteManifest(APP, tagged('v1'))
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    assert.equal((await service.getManifest(APP, tagged('v2'))).digest, image.digest)
    await assert.rejects(service.deleteManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
  })

  it('by digest removes the manifest with all its tags', async () => {
    const { service, own } = await createRegistry()
    const [image, other] = [randomImage(), randomImage()]
    await fill(own, image, 'v1', 'v2')
    await fill(own, other, 'v3')
    await service.deleteManifest(APP, byDigest(image.digest))
    await assert.rejects(service.getManifest(APP, byDigest(image.digest)), {
      code: 'MANIFEST_UNKNOWN',
    })
    assert.deepEqual((await service.listTags(APP, {})).names, ['v3'])
    await assert.rejects(service.deleteManifest(APP, byDigest(image.digest)), {
      code: 'MANIFEST_UNKNOWN',
    })
  })

  it('a blob unlinks it from that repository', async () => {
    const { service, own } = await createRegistry()
    const image = randomImage()
    await fill(own, image)
    const { digest } = image.blobs[0]!
    await service.mountBlob(parseName('other'), digest, APP)
    await service.deleteBlob(APP, digest)
    await assert.rejects(service.getBlob(APP, digest), { code: 'BLOB_UNKNOWN' })
    assert.ok(await service.getBlob(parseName('other'), digest))
    await assert.rejects(service.deleteBlob(APP, digest), { code: 'BLOB_UNKNOWN' })
  })

  it('a blob that is a manifest as well leaves the manifest, which reads as a blob until it goes', async () => {
    const { service, own } = await createRegistry()
    const image = randomImage()
    const { digest } = image
    await fill(own, image, 'v1')
    await assert.rejects(service.deleteBlob(APP, digest), { code: 'BLOB_UNKNOWN' }, 'no such link')
    await pushBlobs(service, [image], APP)
    await service.deleteBlob(APP, digest)
    assert.equal((await service.getBlob(APP, digest)).size, image.size)
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, digest)
    await assert.rejects(service.deleteBlob(APP, digest), { code: 'BLOB_UNKNOWN' })
    await service.deleteManifest(APP, byDigest(digest))
    await assert.rejects(service.getBlob(APP, digest), { code: 'BLOB_UNKNOWN' })
  })

  it('is UNSUPPORTED when deletes are off', async () => {
    const { service, own } = await createRegistry({ options: { deletes: false } })
    const image = randomImage()
    await fill(own, image, 'v1')
    for (const attempt of [
      () => service.deleteManifest(APP, tagged('v1')),
      () => service.deleteManifest(APP, byDigest(image.digest)),
      () => service.deleteBlob(APP, image.blobs[0]!.digest),
    ]) {
      await assert.rejects(attempt, { code: 'UNSUPPORTED', status: 405 })
    }
    assert.ok(await service.getManifest(APP, tagged('v1')))
  })

  it('leaves no tombstone where no mirror has the thing', async () => {
    const { service, own, tombstones } = await createRegistry({ mirrors: [] })
    await fill(own, randomImage(), 'v1')
    await service.deleteManifest(APP, tagged('v1'))
    assert.deepEqual(tombstones.list(), [])
  })
})

describe('deleting what a mirror has', () => {
  const setup = async () => {
    const mirror = new MemoryRegistry('m')
    return { ...(await createRegistry({ mirrors: [mirror] })), mirror }
  }

  it('hides a tag of the mirror, and nothing else', async () => {
    const { service, mirror, tombstones, clock } = await setup()
    const image = randomImage()
    await fill(mirror, image, 'v1', 'v2')
    await service.deleteManifest(APP, tagged('v1'))
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    assert.deepEqual((await service.listTags(APP, {})).names, ['v2'])
    assert.ok(await service.getManifest(APP, byDigest(image.digest)))
    await assert.rejects(service.deleteManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    assert.deepEqual(tombstones.list(), [{ name: APP, kind: 'tag', what: 'v1', at: clock.now() }])
  })

  it('hides the mirror’s tag when our own of the same name is deleted', async () => {
    const { service, mirror, own } = await setup()
    await fill(mirror, randomImage(), 'v1')
    await fill(own, randomImage(), 'v1')
    await service.deleteManifest(APP, tagged('v1'))
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
  })

  it('hides a manifest with the tags that point to it, as a blob and as a referrer', async () => {
    const { service, mirror } = await setup()
    const subject = randomImage()
    const [image, other] = [randomImage({ subject }), randomImage()]
    await fill(mirror, image, 'v1', 'v2')
    await fill(mirror, other, 'v3')
    await service.deleteManifest(APP, byDigest(image.digest))
    await assert.rejects(service.getManifest(APP, byDigest(image.digest)), {
      code: 'MANIFEST_UNKNOWN',
    })
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    await assert.rejects(service.getBlob(APP, image.digest), { code: 'BLOB_UNKNOWN' })
    const { names, more } = await service.listTags(APP, { limit: 1 })
    assert.deepEqual([names, more], [['v3'], false])
    assert.deepEqual((await service.listReferrers(APP, subject.digest)).manifests, [])
  })

  it('does not let the mirror’s tag step in for one that went with our own manifest', async () => {
    const { service, mirror, own } = await setup()
    const image = randomImage()
    await fill(own, image, 'v1')
    await fill(mirror, randomImage(), 'v1', 'v2')
    await service.deleteManifest(APP, byDigest(image.digest))
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    assert.deepEqual((await service.listTags(APP, {})).names, ['v2'])
  })

  it('leaves no tombstone for a tag that went and that no mirror has', async () => {
    const { service, mirror, own, tombstones } = await setup()
    const image = randomImage()
    await fill(own, image, 'v1', 'v2')
    await fill(mirror, randomImage(), 'v2')
    await service.deleteManifest(APP, byDigest(image.digest))
    assert.deepEqual(
      tombstones.list().map(({ what }) => what),
      ['v2'],
    )
  })

  it('hides the tags of a manifest, too, when the client leaves as soon as it is gone', async () => {
    const { service, mirror, own } = await setup()
    const image = randomImage()
    await fill(own, image, 'v1')
    await fill(mirror, randomImage(), 'v1')
    const leaving = new AbortController()
    const transact = own.transact.bind(own)
    own.transact = async (edit, options) => {
      const result = await transact(edit, options)
      leaving.abort()
      return result
    }
    const { signal } = leaving
    await service.deleteManifest(APP, byDigest(image.digest), { signal })
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
  })

  it('hides nothing when it is refused inside the edit', async () => {
    const mirror = new MemoryRegistry('m')
    let isImmutable = false
    const { service, own, tombstones } = await createRegistry({
      mirrors: [mirror],
      rules: { readOnly: false, hasImmutable: () => isImmutable, isImmutable: () => isImmutable },
    })
    const image = randomImage()
    for (const registry of [mirror, own]) await fill(registry, image, 'v1')
    const transact = own.transact.bind(own)
    own.transact = (edit, options) => {
      isImmutable = true // the rules were read again in between
      return transact(edit, options)
    }
    for (const attempt of [
      () => service.deleteManifest(APP, tagged('v1')),
      () => service.deleteManifest(APP, byDigest(image.digest)),
      () => service.deleteRepository(APP),
    ]) {
      isImmutable = false
      await assert.rejects(attempt, { code: 'DENIED' })
    }
    assert.deepEqual(tombstones.list(), [])
  })

  it('hides a blob', async () => {
    const { service, mirror } = await setup()
    const image = randomImage()
    await fill(mirror, image, 'v1')
    const { digest } = image.blobs[0]!
    await service.deleteBlob(APP, digest)
    await assert.rejects(service.getBlob(APP, digest), { code: 'BLOB_UNKNOWN' })
    assert.ok(await service.getBlob(APP, image.blobs[1]!.digest))
  })

  it('never hides what is pushed here again', async () => {
    const { service, mirror } = await setup()
    const image = randomImage()
    await fill(mirror, image, 'v1')
    await service.deleteManifest(APP, byDigest(image.digest))
    await assert.rejects(service.deleteManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    await service.deleteBlob(APP, image.blobs[0]!.digest)
    await pushBlobs(service, image.blobs)
    await service.putManifest(APP, tagged('v1'), image.bytes, image.mediaType)
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    assert.ok(await service.getBlob(APP, image.blobs[0]!.digest))
    assert.deepEqual((await service.listTags(APP, {})).names, ['v1'])
  })

  it('is remembered after a restart, until it is shown again', async () => {
    const { service, mirror, tombstoneMap, tombstones } = await setup()
    const image = randomImage()
    await fill(mirror, image, 'v1')
    await service.deleteManifest(APP, byDigest(image.digest))
    const again = await Tombstones.open(tombstoneMap, () => 0)
    assert.deepEqual(again.list(), tombstones.list())
    assert.equal(again.hides(APP, 'manifest', image.digest), true)
    assert.equal(await tombstones.show(APP, 'manifest', image.digest), true)
    assert.equal(await tombstones.show(APP, 'manifest', image.digest), false)
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    assert.deepEqual((await Tombstones.open(tombstoneMap, () => 0)).list(), [])
  })

  it('hides also from a mirror that could not be asked, but only what was ours', async () => {
    let isDown = true
    const mirror = new MemoryRegistry('m')
    const flaky = twisted(mirror, {
      before: () => (isDown ? Promise.reject(new Error('down')) : Promise.resolve()),
    })
    const { service, own, tombstones } = await createRegistry({ mirrors: [flaky] })
    const image = randomImage()
    await fill(mirror, image, 'v1', 'v2')
    await fill(own, image, 'v1')
    await service.deleteManifest(APP, tagged('v1'))
    await assert.rejects(service.deleteManifest(APP, tagged('v2')), { code: 'MANIFEST_UNKNOWN' })
    isDown = false
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    assert.deepEqual(
      tombstones.list().map(({ what }) => what),
      ['v1'],
    )
  })

  it('hides before it removes, so that a failure in between brings nothing back', async () => {
    let isDown = true
    const mirror = new MemoryRegistry('m')
    const flaky = twisted(mirror, {
      before: () => (isDown ? Promise.reject(new Error('down')) : Promise.resolve()),
    })
    const { service, own, tombstoneMap } = await createRegistry({ mirrors: [flaky] })
    const image = randomImage()
    for (const registry of [mirror, own]) await fill(registry, image, 'v1')
    const putAll = tombstoneMap.putAll.bind(tombstoneMap)
    tombstoneMap.putAll = () => Promise.reject(new Error('ENOSPC'))
    await assert.rejects(service.deleteRepository(APP), /ENOSPC/)
    await assert.rejects(service.deleteManifest(APP, byDigest(image.digest)), /ENOSPC/)
    tombstoneMap.putAll = putAll
    // It was refused, so all is still there, and can be deleted for good.
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
    await service.deleteRepository(APP)
    isDown = false
    await assert.rejects(service.getManifest(APP, tagged('v1')), { code: 'MANIFEST_UNKNOWN' })
    assert.deepEqual((await service.listRepositories({})).names, [])
  })
})

describe('a mirror most of which was deleted here', () => {
  it('is asked for large pages, whatever the client wants', async () => {
    const mirror = new MemoryRegistry('m')
    let walks = 0
    const counted = twisted(mirror, {
      before: (call) => {
        if (call === 'repositories') walks++
        return Promise.resolve()
      },
    })
    const { service, tombstones } = await createRegistry({ mirrors: [counted] })
    const names = Array.from({ length: 120 }, (_, i) => parseName(`r${String(i).padStart(3, '0')}`))
    const image = randomImage()
    for (const name of names)
      await store({ writer: mirror, content: mirror.content }, name, image, parseTag('v1'))
    for (const name of names.slice(0, 118)) await tombstones.hide(name, 'repository', name)
    const { names: page } = await service.listRepositories({ limit: 1 })
    assert.deepEqual([page, walks], [['r118'], 1])
  })
})

describe('tombstones', () => {
  it('do not open over something else', async () => {
    for (const [key, value] of [
      ['x', '1'],
      ['a:tag:v1', 'x'],
      ['a:name:v1', '1'],
    ] as const) {
      const map = new MemoryMap()
      await map.put(key, new TextEncoder().encode(value))
      await assert.rejects(
        Tombstones.open(map, () => 0),
        /not a tombstone/,
      )
    }
  })
})
