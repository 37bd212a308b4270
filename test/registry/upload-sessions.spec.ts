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
