import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { digestOf } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { streamOf } from '../support/random-image.ts'
import { APP } from '../support/registry-setup.ts'
import { bytesOf, createUploads, gated } from '../support/uploads-setup.ts'

describe('upload sessions', () => {
  it('outlive the process', async () => {
    const { uploads, restart, has } = createUploads()
    const { id } = await uploads.create(APP)
    await uploads.append(APP, id, { source: streamOf('hel') })
    const next = restart()
    assert.deepEqual(await next.status(APP, id), { id, size: 3 })
    await next.finish(APP, id, digestOf(bytesOf('hello')), {
      source: streamOf('lo'),
      range: { start: 3, end: 4 },
    })
    assert.ok(await has(digestOf(bytesOf('hello'))))
  })

  it('are opened once by requests that come together after a restart', async () => {
    const { uploads, store, restart } = createUploads()
    const { id } = await uploads.create(APP)
    let opens = 0
    const open = store.open.bind(store)
    store.open = (...args) => {
      opens++
      return open(...args)
    }
    const next = restart()
    const body = gated('a', 'b')
    const results = Promise.allSettled([
      next.append(APP, id, { source: body.source }),
      next.append(APP, id, { source: streamOf('c') }),
    ])
    await body.reached
    body.open()
    assert.deepEqual(
      (await results).map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    assert.equal((await next.status(APP, id)).size, 2)
    assert.equal(opens, 1)
  })

  it('are bounded, also across a restart, and tell when to come back (B15)', async () => {
    const { uploads, restart } = createUploads({ maxSessions: 3 })
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => uploads.create(APP)))
    const made = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
    assert.equal(made.length, 3)
    const tooMany = { code: 'TOOMANYREQUESTS', status: 429, headers: { 'Retry-After': '60' } }
    await assert.rejects(uploads.create(APP), tooMany)
    const next = restart()
    await assert.rejects(next.create(APP), tooMany)
    await next.cancel(APP, made[0]!.id)
    await next.create(APP)
    await assert.rejects(next.create(APP), tooMany)
  })

  it('that could not be made do not count', async () => {
    const { uploads, store } = createUploads({ maxSessions: 1 })
    const create = store.create.bind(store)
    store.create = () => Promise.reject(new Error('ENOSPC'))
    await assert.rejects(uploads.create(APP), /ENOSPC/)
    store.create = create
    await uploads.create(APP)
  })

  it('that nothing happens to are purged, and those in use are not', async () => {
    const { uploads, clock, store } = createUploads()
    const idle = await uploads.create(APP)
    const used = await uploads.create(APP)
    const busy = await uploads.create(APP)
    const body = gated('a', 'b')
    const writing = uploads.append(APP, busy.id, { source: body.source })
    await body.reached
    clock.advance(900)
    await uploads.append(APP, used.id, { source: streamOf('x') })
    assert.equal(await uploads.purge(), 0)
    clock.advance(200)
    assert.equal(await uploads.purge(), 1)
    assert.deepEqual([...store.saved.keys()].sort(), [used.id, busy.id].sort())
    await assert.rejects(uploads.status(APP, idle.id), { code: 'BLOB_UPLOAD_UNKNOWN' })
    body.open()
    await writing
  })

  it('of another life are purged without being opened, which would read all they hold', async () => {
    const { uploads, clock, store, restart } = createUploads()
    const [idle, back] = [await uploads.create(APP), await uploads.create(APP)]
    clock.advance(1001)
    const next = restart()
    await next.status(APP, back.id)
    const { open } = store
    store.open = () => assert.fail('it was opened')
    assert.equal(await next.purge(), 1)
    store.open = open
    await assert.rejects(next.status(APP, idle.id), { code: 'BLOB_UPLOAD_UNKNOWN' })
    assert.equal((await next.status(APP, back.id)).size, 0)
  })

  it('of another life go by their last bytes, however long ago they began', async () => {
    const { uploads, clock, restart } = createUploads()
    const { id } = await uploads.create(APP)
    clock.advance(900)
    await uploads.append(APP, id, { source: streamOf('x') })
    const next = restart()
    clock.advance(1000)
    assert.equal(await next.purge(), 0)
    clock.advance(1)
    assert.equal(await next.purge(), 1)
  })

  it('that cannot be discarded keep no other from it, and are told of', async () => {
    const { uploads, clock, store, restart } = createUploads()
    const sessions = [await uploads.create(APP), await uploads.create(APP)]
    clock.advance(1001)
    const next = restart()
    const discard = store.discard.bind(store)
    store.discard = (id) =>
      id === sessions[0]!.id ? Promise.reject(new Error('EIO')) : discard(id)
    await assert.rejects(next.purge(), /EIO/)
    assert.deepEqual([...store.saved.keys()], [sessions[0]!.id])
    store.discard = discard
    assert.equal(await next.purge(), 1)
  })

  it('are not purged at the moment somebody comes back to them', async () => {
    const { uploads, clock, store, restart } = createUploads()
    const { id } = await uploads.create(APP)
    clock.advance(1001)
    const next = restart()
    const gate = Promise.withResolvers<void>()
    const open = store.open.bind(store)
    store.open = async (...args) => {
      await gate.promise
      return open(...args)
    }
    const status = next.status(APP, id)
    const purged = next.purge()
    gate.resolve()
    assert.deepEqual([await status, await purged], [{ id, size: 0 }, 0])
    await next.append(APP, id, { source: streamOf('a') })
  })

  it('that look left behind make room when all are taken, once for all who wait (B15)', async () => {
    const { uploads, clock, store } = createUploads({ maxSessions: 3 })
    const first = await Promise.all([1, 2, 3].map(() => uploads.create(APP)))
    let lists = 0
    const list = store.list.bind(store)
    store.list = () => {
      lists++
      return list()
    }
    const tooMany = { code: 'TOOMANYREQUESTS' }
    for (let i = 0; i < 5; i++) await assert.rejects(uploads.create(APP), tooMany)
    assert.equal(lists, 1, 'a search in vain is not repeated at once')
    clock.advance(3_600_001)
    await uploads.status(APP, first[2]!.id)
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => uploads.create(APP)))
    assert.equal(lists, 2)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2)
    await assert.rejects(uploads.status(APP, first[0]!.id), { code: 'BLOB_UPLOAD_UNKNOWN' })
    assert.equal((await uploads.status(APP, first[2]!.id)).size, 0)
    assert.equal(store.saved.size, 3)
  })

  it('of another life count as used when this one began, for they may be taken up again', async () => {
    const { uploads, clock, restart } = createUploads({ maxSessions: 2 })
    const first = [await uploads.create(APP), await uploads.create(APP)]
    clock.advance(7_200_000)
    const next = restart()
    await assert.rejects(next.create(APP), { code: 'TOOMANYREQUESTS' })
    await next.append(APP, first[0]!.id, { source: streamOf('a') })
    clock.advance(3_600_001)
    await next.append(APP, first[0]!.id, { source: streamOf('b') })
    await next.create(APP)
    await assert.rejects(next.status(APP, first[1]!.id), { code: 'BLOB_UPLOAD_UNKNOWN' })
    assert.equal((await next.status(APP, first[0]!.id)).size, 2)
  })

  it('make room though one of them cannot be discarded', async () => {
    const { uploads, clock, store, restart } = createUploads({ maxSessions: 2 })
    const first = [await uploads.create(APP), await uploads.create(APP)]
    const next = restart()
    clock.advance(3_600_001)
    const discard = store.discard.bind(store)
    store.discard = (id) => (id === first[0]!.id ? Promise.reject(new Error('EIO')) : discard(id))
    await next.create(APP)
    clock.advance(60_000)
    await assert.rejects(next.create(APP), { code: 'TOOMANYREQUESTS', cause: new Error('EIO') })
  })

  it('end with a repository though another removal at the same time comes to nothing', async () => {
    const { uploads, store } = createUploads()
    const { create } = store
    const discarding = Promise.withResolvers<void>()
    store.create = async (info) => {
      const upload = await create.call(store, info)
      const discard = upload.discard.bind(upload)
      return Object.assign(upload, { discard: () => discarding.promise.then(discard) })
    }
    const { id } = await uploads.create(APP)
    const marked = Promise.withResolvers<void>()
    const other = Promise.withResolvers<void>()
    const inVain = uploads.endAll(APP, async (end) => {
      end()
      marked.resolve()
      await other.promise
      return false
    })
    await marked.promise
    const removal = uploads.endAll(APP, async (end) => {
      end()
      return true
    })
    other.resolve()
    assert.equal(await inVain, false)
    const late = uploads.append(APP, id, { source: streamOf('b') })
    await assert.rejects(late, { code: 'BLOB_UPLOAD_UNKNOWN' })
    discarding.resolve()
    assert.equal(await removal, true)
    await assert.rejects(uploads.status(APP, id), { code: 'BLOB_UPLOAD_UNKNOWN' })
  })

  it('that begin while their repository is removed are whole', async () => {
    const { uploads, store } = createUploads()
    const { create } = store
    store.create = async (info) => {
      const upload = await create.call(store, info)
      await uploads.endAll(APP, async (end) => {
        end()
        return true
      })
      return upload
    }
    const { id } = await uploads.create(APP)
    await uploads.append(APP, id, { source: streamOf('a') })
    assert.equal((await uploads.status(APP, id)).size, 1)
    assert.ok(store.saved.has(id))
  })

  it('have ids that cannot be guessed and never repeat', async () => {
    const { uploads } = createUploads({ maxSessions: 50 })
    const ids = await Promise.all(
      Array.from({ length: 50 }, async () => (await uploads.create(APP)).id),
    )
    assert.equal(new Set(ids).size, 50)
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  it('end up with exactly the chunks they accepted, whatever is sent (property)', async () => {
    const content = randomBytes(64)
    const step = fc.record({
      start: fc.integer({ min: -1, max: 40 }),
      length: fc.integer({ min: 1, max: 8 }),
      /** How many bytes the body really has, relative to its range. */
      off: fc.constantFrom(0, 0, 0, -1, 1),
      inOrder: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { uploads, own } = createUploads()
        const { id } = await uploads.create(APP)
        let expected = 0
        for (const { start: anywhere, length, off, inOrder } of steps) {
          const start = inOrder ? expected : anywhere
          const body = content.subarray(Math.max(0, start), Math.max(0, start) + length + off)
          const pieces = Array.from(body, (byte) => Uint8Array.of(byte))
          const chunk = { source: streamOf(...pieces), range: { start, end: start + length - 1 } }
          const code = await uploads.append(APP, id, chunk).then(
            () => 'OK',
            (error: unknown) => (isRegistryError(error) ? error.code : assert.fail(String(error))),
          )
          if (start !== expected) assert.equal(code, 'RANGE_INVALID')
          else {
            const isWhole = body.length === length
            assert.equal(code, isWhole ? 'OK' : 'SIZE_INVALID')
            expected += Math.min(body.length, length)
          }
          assert.equal((await uploads.status(APP, id)).size, expected)
        }
        const digest = digestOf(content.subarray(0, expected))
        await uploads.finish(APP, id, digest, undefined)
        assert.equal((await own.reader().blob(APP, digest))?.size, expected)
      }),
      { numRuns: 100 },
    )
  })
})
