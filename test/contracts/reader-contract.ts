import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { collect, randomImage, store } from '../support/random-image.ts'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { RegistryReader, RegistrySource } from '../../src/registry/ports.ts'
import type { Writable } from '../support/random-image.ts'

/** A registry to read, and the means to fill it. */
export interface ReaderFixture extends Writable {
  source: RegistrySource
  close?(): Promise<void>
}

const ABSENT = digestOf(new TextEncoder().encode('nowhere'))

/** What every RegistryReader promises. Registers a mocha suite. */
export function readerContract(what: string, make: () => Promise<ReaderFixture>): void {
  describe(`${what} as a registry reader`, () => {
    let fixture: ReaderFixture
    const app = parseName('team/app')
    const v1 = parseTag('v1')

    const now = (): RegistryReader => {
      const reader = fixture.source.reader()
      assert.ok(reader, 'the source has a root')
      return reader
    }
    const push = (name: RepositoryName, tag?: string, image = randomImage()) =>
      store(fixture, name, image, tag === undefined ? undefined : parseTag(tag)).then(() => image)

    beforeEach(async () => {
      fixture = await make()
      // Some sources have no root before the first change.
      await push(parseName('zzz/first'), 'v0')
    })
    afterEach(() => fixture.close?.())

    it('knows nothing of what is not there', async () => {
      const reader = now()
      assert.equal(await reader.resolveTag(app, v1), undefined)
      assert.equal(await reader.manifest(app, ABSENT), undefined)
      assert.equal(await reader.blob(app, ABSENT), undefined)
      assert.equal(await reader.tags(app), undefined)
      assert.deepEqual(await reader.referrers(app, ABSENT), [])
    })

    it('finds a tag, its manifest and its blobs, byte for byte', async () => {
      const image = await push(app, 'v1')
      const reader = now()
      assert.equal(await reader.resolveTag(app, v1), image.digest)
      const manifest = await reader.manifest(app, image.digest)
      assert.equal(manifest?.size, image.size)
      assert.equal(manifest.digest, image.digest)
      assert.deepEqual(await collect(manifest.open()), Uint8Array.from(image.bytes))
      for (const each of image.blobs) {
        const blob = await reader.blob(app, each.digest)
        assert.equal(blob?.size, each.size)
        assert.equal(blob.digest, each.digest)
        assert.deepEqual(await collect(blob.open()), Uint8Array.from(each.bytes))
      }
    })

    it('finds content under sha512', async () => {
      const bytes = new TextEncoder().encode('sha512 content')
      const digest = digestOf(bytes, 'sha512')
      const stored = await fixture.content.write(bytes, digest)
      await fixture.writer.transact((tx) => tx.linkBlob(app, stored))
      const reader = now()
      assert.equal((await reader.blob(app, digest))?.size, bytes.length)
      assert.equal(await reader.blob(app, digestOf(bytes)), undefined)
    })

    const sizes: [string, number][] = [
      ['empty', 0],
      ['one byte', 1],
      ['one chunk', 1024 * 1024],
      ['one byte less than a chunk', 1024 * 1024 - 1],
      ['one byte more than a chunk', 1024 * 1024 + 1],
    ]
    for (const [size, length] of sizes) {
      it(`streams a blob that is ${size}, whole and in part, more than once`, async () => {
        const image = await push(app, undefined, randomImage({ layers: [length] }))
        const { bytes, digest } = image.blobs.at(-1) ?? assert.fail()
        const blob = (await now().blob(app, digest)) ?? assert.fail()
        assert.equal(blob.size, length)
        const ranges = [
          { offset: 0, length },
          { offset: 0, length: Math.min(1, length) },
          { offset: Math.max(0, length - 1), length: Math.min(1, length) },
          { offset: Math.floor(length / 3), length: Math.floor(length / 3) },
        ]
        assert.ok(Buffer.from(bytes).equals(await collect(blob.open())))
        for (const range of ranges) {
          const part = bytes.subarray(range.offset, range.offset + range.length)
          assert.ok(Buffer.from(part).equals(await collect(blob.open({ range }))))
        }
        assert.ok(Buffer.from(bytes).equals(await collect(blob.open())))
      })
    }

    it('lets a consumer stop in the middle', async () => {
      const image = await push(app, undefined, randomImage({ layers: [2_500_000] }))
      const blob = (await now().blob(app, image.blobs.at(-1)!.digest)) ?? assert.fail()
      for await (const chunk of blob.open()) {
        assert.ok(chunk.length > 0)
        break
      }
    })

    it('gives up when the signal is aborted', async () => {
      const image = await push(app, undefined, randomImage({ layers: [2_500_000] }))
      const blob = (await now().blob(app, image.blobs.at(-1)!.digest)) ?? assert.fail()
      const abort = new AbortController()
      await assert.rejects(async () => {
        for await (const _ of blob.open({ signal: abort.signal })) abort.abort()
      })
    })

    it('sees a blob only in the repositories that link it', async () => {
      const image = await push(app, 'v1')
      const blob = image.blobs[0]!.digest
      const other = parseName('team/other')
      await push(other, 'v1')
      assert.equal(await now().blob(other, blob), undefined)
      assert.equal(await now().manifest(other, image.digest), undefined)
      await fixture.writer.transact((tx) => tx.mountBlob(other, blob, app))
      assert.ok(await now().blob(other, blob))
    })

    it('reads a manifest as a blob too', async () => {
      const image = await push(app, 'v1')
      assert.equal((await now().blob(app, image.digest))?.size, image.size)
    })

    it('does not read a blob as a manifest', async () => {
      const image = await push(app, 'v1')
      assert.equal(await now().manifest(app, image.blobs[0]!.digest), undefined)
    })

    it('lists tags in ASCII order, page by page', async () => {
      const tags = ['b', 'a', 'B', '_x', '1.0', '1.0-rc', '10', 'latest', 'Z']
      for (const tag of tags) await push(app, tag)
      const sorted = tags.toSorted((a, b) => (a < b ? -1 : 1))
      const reader = now()
      assert.deepEqual(await reader.tags(app), sorted)
      const paged: string[] = []
      for (;;) {
        const page = (await reader.tags(app, { after: paged.at(-1), limit: 2 })) ?? assert.fail()
        if (page.length === 0) break
        assert.ok(page.length <= 2)
        paged.push(...page)
      }
      assert.deepEqual(paged, sorted)
      assert.deepEqual(
        await reader.tags(app, { after: '1.0' }),
        sorted.filter((tag) => tag > '1.0'),
      )
      assert.deepEqual(await reader.tags(app, { after: 'between' }), ['latest'])
      assert.deepEqual(await reader.tags(app, { after: 'zzz' }), [])
      assert.deepEqual(await reader.tags(app, { limit: 0 }), [])
    })

    it('gives no tags for a repository whose manifests have none', async () => {
      await push(app)
      assert.deepEqual(await now().tags(app), [])
    })

    it('tells nested repositories apart, whatever their names', async () => {
      const names = [
        'a',
        'a/b',
        'a/b/c',
        'ab',
        'blobs',
        'blobs/uploads',
        'x/manifests/y',
        'a-b',
        'constructor',
        'tags/list',
        'link',
        'data',
        'current',
        'sha256',
      ]
      const images = new Map<string, string>()
      for (const name of names) images.set(name, (await push(parseName(name), 'v1')).digest)
      const reader = now()
      for (const [name, digest] of images)
        assert.equal(await reader.resolveTag(parseName(name), v1), digest)
      for (const absent of ['a/b/c/d', 'x', 'x/manifests', 'tags', 'b']) {
        assert.equal(await reader.tags(parseName(absent)), undefined, absent)
      }
      const sorted = [...names, 'zzz/first'].sort()
      assert.deepEqual(await reader.repositories(), sorted)
      const paged: string[] = []
      for (;;) {
        const page = await reader.repositories({ after: paged.at(-1), limit: 3 })
        if (page.length === 0) break
        paged.push(...page)
      }
      assert.deepEqual(paged, sorted)
    })

    it('lists referrers in ASCII order, also of a subject that is not there', async () => {
      const subject = randomImage()
      const referrers = []
      for (let i = 0; i < 3; i++)
        referrers.push(await push(app, undefined, randomImage({ subject })))
      const expected = referrers.map(({ digest }) => digest).sort()
      assert.deepEqual(await now().referrers(app, subject.digest), expected)
      await push(app, undefined, subject)
      assert.deepEqual(await now().referrers(app, subject.digest), expected)
      assert.deepEqual(await now().referrers(parseName('other'), subject.digest), [])
    })

    it('goes on seeing the same root while others write', async () => {
      const before = await push(app, 'v1')
      const reader = now()
      assert.equal(await reader.resolveTag(app, v1), before.digest)
      const after = await push(app, 'v1')
      await fixture.writer.transact((tx) => tx.removeManifest(app, before.digest))
      assert.equal(await reader.resolveTag(app, v1), before.digest)
      assert.ok(await reader.manifest(app, before.digest))
      assert.equal(await now().resolveTag(app, v1), after.digest)
    })

    it('gives the same id to the same bytes only', async () => {
      const image = await push(app, 'v1')
      const [first, second] = image.blobs
      const a = await now().blob(app, first!.digest)
      const again = await now().blob(app, first!.digest)
      const b = await now().blob(app, second!.digest)
      assert.equal(a?.id, again?.id)
      assert.notEqual(a?.id, b?.id)
    })
  })
}
