import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { randomImage, store } from '../support/random-image.ts'
import type { RegistryReader, RegistrySource } from '../../src/registry/ports.ts'
import type { RandomManifest, Writable } from '../support/random-image.ts'

/** A registry to change, and the means to look at it. */
export interface WriterFixture extends Writable {
  source: RegistrySource
  close?(): Promise<void>
}

/** What every RegistryWriter promises (I1, I2). Registers a mocha suite. */
export function writerContract(what: string, make: () => Promise<WriterFixture>): void {
  describe(`${what} as a registry writer`, () => {
    let fixture: WriterFixture
    let image: RandomManifest
    const app = parseName('team/app')
    const [v1, v2, v3] = ['v1', 'v2', 'v3'].map(parseTag) as [
      ReturnType<typeof parseTag>,
      ReturnType<typeof parseTag>,
      ReturnType<typeof parseTag>,
    ]

    const now = (): RegistryReader => fixture.source.reader() ?? assert.fail('no root')

    beforeEach(async () => {
      fixture = await make()
      image = randomImage()
      await store(fixture, app, image, v1)
    })
    afterEach(() => fixture.close?.())

    it('returns what the edit returned', async () => {
      assert.equal(await fixture.writer.transact(async () => 7), 7)
    })

    it('has made the change when it resolves', async () => {
      assert.equal(await now().resolveTag(app, v1), image.digest)
    })

    it('overwrites a tag and keeps the manifest it pointed to', async () => {
      const next = randomImage()
      await store(fixture, app, next, v1)
      assert.equal(await now().resolveTag(app, v1), next.digest)
      assert.ok(await now().manifest(app, image.digest))
      assert.deepEqual(await now().tags(app), ['v1'])
    })

    it('removes a tag and nothing else', async () => {
      await fixture.writer.transact((tx) => tx.setTag(app, v2, image.digest))
      assert.equal(await fixture.writer.transact((tx) => tx.removeTag(app, v1)), true)
      assert.equal(await now().resolveTag(app, v1), undefined)
      assert.equal(await now().resolveTag(app, v2), image.digest)
      assert.ok(await now().manifest(app, image.digest))
      assert.equal(await fixture.writer.transact((tx) => tx.removeTag(app, v1)), false)
    })

    it('removes a manifest with all its tags, and no other tag', async () => {
      const other = randomImage()
      await store(fixture, app, other, v3)
      await fixture.writer.transact((tx) => tx.setTag(app, v2, image.digest))
      const removed = await fixture.writer.transact((tx) => tx.removeManifest(app, image.digest))
      assert.deepEqual(removed?.tags.toSorted(), ['v1', 'v2'])
      assert.equal(await now().manifest(app, image.digest), undefined)
      assert.deepEqual(await now().tags(app), ['v3'])
      assert.ok(await now().blob(app, image.blobs[0]!.digest), 'blobs stay linked')
      const again = await fixture.writer.transact((tx) => tx.removeManifest(app, image.digest))
      assert.equal(again, undefined)
    })

    it('removes a manifest that a tag pointed to earlier without touching the tag', async () => {
      const next = randomImage()
      await store(fixture, app, next, v1)
      const removed = await fixture.writer.transact((tx) => tx.removeManifest(app, image.digest))
      assert.deepEqual(removed?.tags, [])
      assert.equal(await now().resolveTag(app, v1), next.digest)
    })

    it('removes a referrer from its subject with its manifest', async () => {
      const referrer = randomImage({ subject: image })
      await store(fixture, app, referrer)
      assert.deepEqual(await now().referrers(app, image.digest), [referrer.digest])
      await fixture.writer.transact((tx) => tx.removeManifest(app, referrer.digest))
      assert.deepEqual(await now().referrers(app, image.digest), [])
    })

    it('keeps referrers when their subject is removed', async () => {
      const referrer = randomImage({ subject: image })
      await store(fixture, app, referrer)
      await fixture.writer.transact((tx) => tx.removeManifest(app, image.digest))
      assert.deepEqual(await now().referrers(app, image.digest), [referrer.digest])
    })

    it('unlinks a blob from one repository only', async () => {
      const other = parseName('team/other')
      const { digest } = image.blobs[0]!
      assert.equal(await fixture.writer.transact((tx) => tx.mountBlob(other, digest, app)), true)
      assert.equal(await fixture.writer.transact((tx) => tx.removeBlob(app, digest)), true)
      assert.equal(await now().blob(app, digest), undefined)
      assert.ok(await now().blob(other, digest))
      assert.equal(await fixture.writer.transact((tx) => tx.removeBlob(app, digest)), false)
    })

    it('mounts only what is linked in the other repository', async () => {
      const other = parseName('team/other')
      const absent = randomImage().digest
      assert.equal(await fixture.writer.transact((tx) => tx.mountBlob(other, absent, app)), false)
      const { digest } = image.blobs[0]!
      const from = parseName('nobody')
      assert.equal(await fixture.writer.transact((tx) => tx.mountBlob(other, digest, from)), false)
      assert.equal(await now().blob(other, digest), undefined)
    })

    it('lets an edit see its own changes', async () => {
      const next = randomImage({ subject: image })
      const stored = await fixture.content.write(next.bytes, next.digest)
      await fixture.writer.transact(async (tx) => {
        await tx.putManifest(app, stored, image.digest)
        await tx.setTag(app, v2, next.digest)
        assert.equal(await tx.reader.resolveTag(app, v2), next.digest)
        assert.equal((await tx.reader.manifest(app, next.digest))?.size, next.size)
        assert.deepEqual(await tx.reader.tags(app), ['v1', 'v2'])
        assert.deepEqual(await tx.reader.referrers(app, image.digest), [next.digest])
        await tx.removeManifest(app, next.digest)
        assert.equal(await tx.reader.resolveTag(app, v2), undefined)
        assert.deepEqual(await tx.reader.referrers(app, image.digest), [])
      })
      assert.deepEqual(await now().tags(app), ['v1'])
    })

    it('shows nobody else a change before its edit is done', async () => {
      await fixture.writer.transact(async (tx) => {
        await tx.setTag(app, v2, image.digest)
        assert.equal(await now().resolveTag(app, v2), undefined)
      })
      assert.equal(await now().resolveTag(app, v2), image.digest)
    })

    it('does nothing of an edit that throws, and throws the same', async () => {
      const failure = new Error('no')
      const failing = fixture.writer.transact(async (tx) => {
        await tx.setTag(app, v2, image.digest)
        await tx.removeManifest(app, image.digest)
        throw failure
      })
      await assert.rejects(failing, (error) => error === failure)
      assert.deepEqual(await now().tags(app), ['v1'])
      assert.ok(await now().manifest(app, image.digest))
    })

    it('lets a failing edit fail alone among others', async () => {
      const results = await Promise.allSettled([
        fixture.writer.transact((tx) => tx.setTag(app, v2, image.digest)),
        fixture.writer.transact(async (tx) => {
          await tx.removeTag(app, v1)
          throw new Error('no')
        }),
        fixture.writer.transact((tx) => tx.setTag(app, v3, image.digest)),
      ])
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      assert.deepEqual(await now().tags(app), ['v1', 'v2', 'v3'])
    })

    it('runs edits alone: what one checked holds when it acts', async () => {
      const claim = (tag: string) =>
        fixture.writer.transact(async (tx) => {
          if ((await tx.reader.resolveTag(app, v2)) !== undefined) return undefined
          await tx.setTag(app, v2, image.digest)
          return tag
        })
      const winners = await Promise.all(Array.from({ length: 8 }, (_, i) => claim(String(i))))
      assert.equal(winners.filter((winner) => winner !== undefined).length, 1)
    })

    it('keeps every one of 32 changes made at once', async () => {
      const images = Array.from({ length: 32 }, () => randomImage({ layers: [50] }))
      await Promise.all(
        images.map((each, i) =>
          store(fixture, parseName(`many/r${i % 4}`), each, parseTag(`t${i}`)),
        ),
      )
      const reader = now()
      for (const [i, each] of images.entries()) {
        const name = parseName(`many/r${i % 4}`)
        assert.equal(await reader.resolveTag(name, parseTag(`t${i}`)), each.digest)
        for (const blob of each.blobs) assert.ok(await reader.blob(name, blob.digest))
      }
    })

    it('takes nothing from who gave up before', async () => {
      const signal = AbortSignal.abort()
      await assert.rejects(fixture.writer.transact((tx) => tx.removeTag(app, v1), { signal }))
      assert.equal(await now().resolveTag(app, v1), image.digest)
    })
  })
}
