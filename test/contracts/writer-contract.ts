import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { randomImage, store } from '../support/random-image.ts'
import type {
  BlobFinder,
  RegistryReader,
  RegistrySource,
  RegistryWriter,
} from '../../src/registry/ports.ts'
import type { RandomManifest, Writable } from '../support/random-image.ts'

/** A registry to change, and the means to look at it. */
export interface WriterFixture extends Writable {
  writer: RegistryWriter & BlobFinder
  source: RegistrySource
  close?(): Promise<void>
}

/** What our own tree promises to who changes it (I1, I2), and looks for a blob in it. Registers a mocha suite. */
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

    it('removes a repository with all that is in it, and no other', async () => {
      const names = ['team', 'team/app/inner', 'team/apple', 'other'].map(parseName)
      for (const name of names) await store(fixture, name, image, v1)
      await store(fixture, app, randomImage({ subject: image }), v2)
      const { digest } = image.blobs[0]!
      const before = now()
      assert.equal(await fixture.writer.transact((tx) => tx.removeRepository(app)), true)
      const reader = now()
      assert.deepEqual(await reader.repositories(), [...names].sort())
      assert.equal(await reader.tags(app), undefined)
      assert.equal(await reader.resolveTag(app, v1), undefined)
      assert.equal(await reader.manifest(app, image.digest), undefined)
      assert.equal(await reader.blob(app, digest), undefined)
      assert.deepEqual(await reader.referrers(app, image.digest), [])
      for (const name of names) {
        assert.equal(await reader.resolveTag(name, v1), image.digest)
        assert.ok(await reader.blob(name, digest))
      }
      assert.equal(await before.resolveTag(app, v1), image.digest, 'the root before stands')
      assert.equal(await fixture.writer.transact((tx) => tx.removeRepository(app)), false)
    })

    it('removes the repository around others, and takes one back that is pushed anew', async () => {
      const [outer, next] = [parseName('team'), randomImage()]
      await store(fixture, outer, image, v2)
      await fixture.writer.transact((tx) => tx.removeRepository(outer))
      assert.deepEqual(await now().repositories(), [app])
      assert.equal(await now().resolveTag(app, v1), image.digest)
      await store(fixture, outer, next, v3)
      assert.deepEqual(await now().tags(outer), ['v3'])
      assert.equal(await now().manifest(outer, image.digest), undefined)
    })

    it('removes and fills a repository in one edit, or does neither', async () => {
      const next = randomImage({ layers: [] })
      const stored = await fixture.content.write(next.bytes, next.digest)
      const replace = (failure?: Error) =>
        fixture.writer.transact(async (tx) => {
          assert.equal(await tx.removeRepository(app), true)
          assert.equal(await tx.reader.tags(app), undefined)
          await tx.putManifest(app, stored)
          await tx.setTag(app, v3, next.digest)
          if (failure !== undefined) throw failure
        })
      await assert.rejects(replace(new Error('no')), /no/)
      assert.deepEqual(await now().tags(app), ['v1'])
      await replace()
      assert.deepEqual(await now().tags(app), ['v3'])
      assert.equal(await now().manifest(app, image.digest), undefined)
    })

    it('removes no repository that is only the beginning of others', async () => {
      assert.equal(
        await fixture.writer.transact((tx) => tx.removeRepository(parseName('team'))),
        false,
      )
      assert.equal(await now().resolveTag(app, v1), image.digest)
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

    it('mounts nothing that was deleted, though its bytes may still be here', async () => {
      const other = parseName('team/other')
      const { digest } = image.blobs[0]!
      await fixture.writer.transact((tx) => tx.removeBlob(app, digest))
      assert.equal(await fixture.writer.transact((tx) => tx.mountBlob(other, digest, app)), false)
      assert.equal(await fixture.writer.transact((tx) => tx.mountBlob(app, digest, app)), false)
      assert.equal(await now().blob(other, digest), undefined)
    })

    it('finds a repository that links a blob, and the one that was asked about first', async () => {
      const [outer, inner, other] = ['deep', 'deep/in/side', 'x'].map(parseName) as [
        ReturnType<typeof parseName>,
        ReturnType<typeof parseName>,
        ReturnType<typeof parseName>,
      ]
      const nested = randomImage()
      await store(fixture, inner, nested)
      await store(fixture, outer, randomImage())
      const { digest } = nested.blobs[0]!
      assert.equal(await fixture.writer.findBlob(digest, other), inner)
      await fixture.writer.transact((tx) => tx.mountBlob(other, digest, inner))
      assert.equal(await fixture.writer.findBlob(digest, inner), inner)
      assert.equal(await fixture.writer.findBlob(digest, other), other)
      const found = await fixture.writer.findBlob(digest, parseName('nobody'))
      assert.ok(found === inner || found === other, String(found))
    })

    it('finds a blob no more when its last link is gone', async () => {
      const other = parseName('team/other')
      const { digest } = image.blobs[0]!
      await fixture.writer.transact((tx) => tx.mountBlob(other, digest, app))
      await fixture.writer.transact((tx) => tx.removeBlob(other, digest))
      assert.equal(await fixture.writer.findBlob(digest, other), app)
      await fixture.writer.transact((tx) => tx.removeBlob(app, digest))
      assert.equal(await fixture.writer.findBlob(digest, other), undefined)
      assert.equal(await fixture.writer.findBlob(digest, app), undefined)
    })

    it('finds no blob that is not there, is only stored, or is only a manifest', async () => {
      const stored = randomImage()
      await fixture.content.write(stored.bytes, stored.digest)
      for (const { digest } of [randomImage(), stored, image]) {
        assert.equal(await fixture.writer.findBlob(digest, app), undefined)
      }
    })

    it('mounts and removes no manifest as a blob, though it reads as one', async () => {
      const { digest } = image
      const other = parseName('team/other')
      assert.ok(await now().blob(app, digest))
      const { writer } = fixture
      assert.equal(await writer.transact((tx) => tx.mountBlob(other, digest, app)), false)
      assert.equal(await writer.transact((tx) => tx.removeBlob(app, digest)), false)
      assert.ok(await now().blob(app, digest))
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
