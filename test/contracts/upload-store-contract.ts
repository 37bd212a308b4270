import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { streamOf } from '../support/random-image.ts'
import type { DigestAlgorithm } from '../../src/oci/digest.ts'
import type { UploadInfo, UploadStore } from '../../src/registry/ports.ts'

/** Upload sessions, and a second life of the process over the same disk. */
export interface UploadStoreFixture {
  store: UploadStore
  /** Ends this life and begins the next; the old store is not used any more. */
  restart(): Promise<UploadStore>
  close?(): Promise<void>
}

/** Everything on disk, and that it is known when bytes last came. */
async function listed(store: UploadStore): Promise<UploadInfo[]> {
  return (await store.list()).map(({ changedAt, ...info }) => {
    assert.ok(changedAt > 0)
    return info
  })
}

/** What every UploadStore promises. Registers a mocha suite. */
export function uploadStoreContract(what: string, make: () => Promise<UploadStoreFixture>): void {
  describe(`${what} as an upload store`, () => {
    let fixture: UploadStoreFixture
    const infoOf = (algorithm: DigestAlgorithm = 'sha256'): UploadInfo => ({
      id: randomUUID(),
      name: parseName('team/app'),
      startedAt: 1_700_000_000_000,
      algorithm,
    })
    const begin = async (algorithm?: DigestAlgorithm) => {
      const info = infoOf(algorithm)
      return { info, upload: await fixture.store.create(info) }
    }

    beforeEach(async () => {
      fixture = await make()
    })
    afterEach(() => fixture.close?.())

    it('begins empty, and can be found again', async () => {
      const { info, upload } = await begin()
      assert.equal(upload.size, 0)
      const { id, name, startedAt, algorithm } = upload
      assert.deepEqual({ id, name, startedAt, algorithm }, info)
      assert.equal((await fixture.store.open(info.id))?.size, 0)
      assert.deepEqual(await listed(fixture.store), [info])
    })

    it('knows in the next life who began it', async () => {
      const info = { ...infoOf(), owner: 'anna' }
      await fixture.store.create(info)
      const store = await fixture.restart()
      assert.equal((await store.open(info.id))?.owner, 'anna')
      assert.deepEqual(await listed(store), [info])
    })

    it('knows nothing of what is not there', async () => {
      assert.equal(await fixture.store.open(randomUUID()), undefined)
      assert.deepEqual(await listed(fixture.store), [])
    })

    const sizes = [0, 1, 1000, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 2_500_000]
    for (const size of sizes) {
      it(`gives ${size} bytes their digest, however they were cut`, async () => {
        const bytes = randomBytes(size)
        const { upload } = await begin()
        const cut = Math.floor(size / 3)
        await upload.append(streamOf(bytes.subarray(0, cut)))
        assert.equal(upload.size, cut)
        await upload.append(streamOf(bytes.subarray(cut, 2 * cut), bytes.subarray(2 * cut)))
        assert.equal(upload.size, size)
        const stored = await upload.finish(digestOf(bytes))
        assert.equal(stored.size, size)
        assert.equal(stored.digest, digestOf(bytes))
      })
    }

    for (const [announced, used] of [
      ['sha256', 'sha512'],
      ['sha512', 'sha512'],
      ['sha512', 'sha256'],
    ] as const) {
      it(`finishes under ${used} when ${announced} was announced`, async () => {
        const bytes = randomBytes(1_500_000)
        const { upload } = await begin(announced)
        await upload.append(streamOf(bytes))
        const stored = await upload.finish(digestOf(bytes, used))
        assert.deepEqual([stored.digest, stored.size], [digestOf(bytes, used), bytes.length])
      })
    }

    it('refuses a wrong digest', async () => {
      const { upload } = await begin()
      await upload.append(streamOf('hello'))
      await assert.rejects(upload.finish(digestOf(randomBytes(3))), { code: 'DIGEST_INVALID' })
      await upload.discard()
    })

    it('can be finished again, because linking what it gave may have failed', async () => {
      const bytes = randomBytes(1_200_000)
      const { upload } = await begin()
      await upload.append(streamOf(bytes))
      const first = await upload.finish(digestOf(bytes))
      const second = await upload.finish(digestOf(bytes))
      assert.deepEqual(second, first)
    })

    it('keeps what arrived before the source failed, and rethrows the failure', async () => {
      const bytes = randomBytes(1_300_000)
      const failure = new Error('the client went away')
      const { upload } = await begin()
      const body = async function* () {
        yield bytes.subarray(0, 1_200_000)
        throw failure
      }
      await assert.rejects(upload.append(body()), (error) => error === failure)
      assert.equal(upload.size, 1_200_000)
      await upload.append(streamOf(bytes.subarray(1_200_000)))
      assert.equal((await upload.finish(digestOf(bytes))).size, bytes.length)
    })

    it('does not grow beyond the limit', async () => {
      const { upload } = await begin()
      await upload.append(streamOf(randomBytes(10)), { limit: 20 })
      await assert.rejects(upload.append(streamOf(randomBytes(11)), { limit: 20 }), {
        code: 'TOO_LARGE',
      })
      assert.ok(upload.size <= 20)
    })

    it('is gone after discard, which may come twice and after finish', async () => {
      const { info, upload } = await begin()
      await upload.append(streamOf('hello'))
      await upload.finish(digestOf(new TextEncoder().encode('hello')))
      await upload.discard()
      await upload.discard()
      assert.equal(await fixture.store.open(info.id), undefined)
      assert.deepEqual(await listed(fixture.store), [])
    })

    it('discards a session of another life without opening it, and no other', async () => {
      const [gone, kept] = [await begin(), await begin()]
      await gone.upload.append(streamOf('hello'))
      const next = await fixture.restart()
      await next.discard(gone.info.id)
      await next.discard(gone.info.id)
      assert.equal(await next.open(gone.info.id), undefined)
      assert.deepEqual(await listed(next), [kept.info])
    })

    it('outlives the process, with every byte it had answered for', async () => {
      const bytes = randomBytes(2_200_000)
      const { info, upload } = await begin()
      await upload.append(streamOf(bytes.subarray(0, 700_000), bytes.subarray(700_000, 1_400_000)))
      const next = await fixture.restart()
      assert.deepEqual(await listed(next), [info])
      const again = (await next.open(info.id)) ?? assert.fail('the session is gone')
      assert.equal(again.size, 1_400_000)
      assert.equal(again.name, info.name)
      await again.append(streamOf(bytes.subarray(1_400_000)))
      assert.equal((await again.finish(digestOf(bytes))).size, bytes.length)
    })

    it('tells how many bytes a session of another life has, without opening it', async () => {
      const { info, upload } = await begin()
      await upload.append(streamOf(randomBytes(2_500_000)))
      await upload.append(streamOf(randomBytes(700_000)))
      const store = await fixture.restart()
      assert.equal(await store.sizeOf(info.id), 3_200_000)
      await store.discard(info.id)
      assert.equal(await store.sizeOf(info.id), undefined)
    })

    it('keeps sessions apart', async () => {
      const [a, b] = [await begin(), await begin()]
      await Promise.all([a.upload.append(streamOf('aaa')), b.upload.append(streamOf('bb'))])
      assert.deepEqual([a.upload.size, b.upload.size], [3, 2])
      assert.equal((await a.upload.finish(digestOf(Buffer.from('aaa')))).size, 3)
      assert.equal((await b.upload.finish(digestOf(Buffer.from('bb')))).size, 2)
    })
  })
}
