import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseName } from '../../src/oci/name.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { collect, streamOf } from '../support/random-image.ts'
import { APP, BLOB_LIMIT } from '../support/registry-setup.ts'
import { bytesOf, createUploads, gated } from '../support/uploads-setup.ts'
import type { RegistryError } from '../../src/oci/errors.ts'
import type { RegistryWriter } from '../../src/registry/ports.ts'

const OTHER = parseName('team/other')

const sizeIn = (code: string, size: number) => (error: RegistryError) => {
  assert.ok(isRegistryError(error), String(error))
  assert.deepEqual([error.code, error.detail], [code, { size }])
  return true
}

describe('an upload', () => {
  it('takes chunks in order and links the blob at its end', async () => {
    const { uploads, own, store } = createUploads()
    const bytes = bytesOf('hello world')
    const { id, size } = await uploads.create(APP)
    assert.equal(size, 0)
    assert.equal(
      (await uploads.append(APP, id, { source: streamOf('hello'), range: { start: 0, end: 4 } }))
        .size,
      5,
    )
    assert.equal((await uploads.append(APP, id, { source: streamOf(' ') })).size, 6)
    assert.deepEqual(await uploads.status(APP, id), { id, size: 6 })
    const last = { source: streamOf('wor', 'ld'), range: { start: 6, end: 10 } }
    await uploads.finish(APP, id, digestOf(bytes), last)
    const blob = (await own.reader().blob(APP, digestOf(bytes))) ?? assert.fail()
    assert.deepEqual(await collect(blob.open()), bytes)
    assert.equal(store.saved.size, 0)
  })

  it('may be empty', async () => {
    const { uploads, has } = createUploads()
    const { id } = await uploads.create(APP)
    const digest = digestOf(new Uint8Array())
    await uploads.finish(APP, id, digest, undefined)
    assert.ok(await has(digest))
  })

  it('may be under sha512, announced or not', async () => {
    const { uploads, has } = createUploads()
    const digest = digestOf(bytesOf('x'), 'sha512')
    for (const options of [{}, { algorithm: 'sha512' as const }]) {
      const { id } = await uploads.create(APP, options)
      await uploads.finish(APP, id, digest, { source: streamOf('x') })
      assert.ok(await has(digest))
    }
  })

  it('with a wrong digest is refused, links nothing, and is gone (B05)', async () => {
    const { uploads, has, store } = createUploads()
    const { id } = await uploads.create(APP)
    const [wrong, right] = [digestOf(bytesOf('b')), digestOf(bytesOf('a'))]
    await assert.rejects(uploads.finish(APP, id, wrong, { source: streamOf('a') }), {
      code: 'DIGEST_INVALID',
    })
    assert.deepEqual([await has(wrong), await has(right)], [false, false])
    await assert.rejects(uploads.status(APP, id), { code: 'BLOB_UPLOAD_UNKNOWN' })
    assert.equal(store.saved.size, 0)
  })

  it('is unknown after it was finished or cancelled (B14)', async () => {
    const { uploads } = createUploads()
    const finished = await uploads.create(APP)
    await uploads.finish(APP, finished.id, digestOf(bytesOf('a')), { source: streamOf('a') })
    const cancelled = await uploads.create(APP)
    await uploads.cancel(APP, cancelled.id)
    for (const { id } of [finished, cancelled]) {
      const unknown = { code: 'BLOB_UPLOAD_UNKNOWN' }
      await assert.rejects(uploads.finish(APP, id, digestOf(bytesOf('a')), undefined), unknown)
      await assert.rejects(uploads.append(APP, id, { source: streamOf('a') }), unknown)
      await assert.rejects(uploads.status(APP, id), unknown)
      await assert.rejects(uploads.cancel(APP, id), unknown)
    }
  })

  it('belongs to one repository, and is untouched by others (B11)', async () => {
    const { uploads, has } = createUploads()
    const { id } = await uploads.create(APP)
    await uploads.append(APP, id, { source: streamOf('a') })
    const unknown = { code: 'BLOB_UPLOAD_UNKNOWN' }
    await assert.rejects(uploads.status(OTHER, id), unknown)
    await assert.rejects(uploads.append(OTHER, id, { source: streamOf('b') }), unknown)
    await assert.rejects(uploads.finish(OTHER, id, digestOf(bytesOf('a')), undefined), unknown)
    await assert.rejects(uploads.cancel(OTHER, id), unknown)
    await uploads.finish(APP, id, digestOf(bytesOf('a')), undefined)
    assert.ok(await has(digestOf(bytesOf('a'))))
  })

  const forged = [
    '',
    '.',
    '../x',
    '..%2f',
    randomUUID().toUpperCase(),
    `${randomUUID()}\0`,
    '__proto__',
    'a'.repeat(1e5),
    '00000000-0000-0000-0000-000000000000',
  ]
  for (const id of forged) {
    it(`is unknown under the id ${JSON.stringify(id.slice(0, 40))}, which never reaches the store (B10)`, async () => {
      const { uploads, store } = createUploads()
      store.open = () => assert.fail('the store was asked')
      await assert.rejects(uploads.status(APP, id), { code: 'BLOB_UPLOAD_UNKNOWN', status: 404 })
    })
  }

  const ranges: [string, { start: number; end: number }][] = [
    ['a gap', { start: 6, end: 9 }],
    ['an overlap', { start: 3, end: 9 }],
    ['a chunk again', { start: 0, end: 4 }],
    ['backwards', { start: 5, end: 2 }],
    ['beyond what numbers hold', { start: 5, end: 2 ** 63 }],
    ['a fraction', { start: 5, end: 6.5 }],
  ]
  for (const [what, range] of ranges) {
    it(`refuses with 416 and stays usable: ${what} (B07)`, async () => {
      const { uploads } = createUploads()
      const { id } = await uploads.create(APP)
      await uploads.append(APP, id, { source: streamOf('hello') })
      let isRead = false
      const source = async function* () {
        isRead = true
        yield bytesOf('x')
      }
      const chunk = () => ({ source: source(), range })
      await assert.rejects(uploads.append(APP, id, chunk()), sizeIn('RANGE_INVALID', 5))
      const digest = digestOf(bytesOf('hello'))
      await assert.rejects(uploads.finish(APP, id, digest, chunk()), sizeIn('RANGE_INVALID', 5))
      assert.equal(isRead, false)
      await uploads.finish(APP, id, digest, undefined)
    })
  }

  for (const [what, body] of [
    ['shorter', 'abc'],
    ['longer', 'abcdef'],
  ] as const) {
    it(`refuses a body that is ${what} than its range, and says truly what it kept (B08)`, async () => {
      const { uploads, has } = createUploads()
      const { id } = await uploads.create(APP)
      const pieces = Array.from(bytesOf(body), (byte) => Uint8Array.of(byte))
      const chunk = { source: streamOf(...pieces), range: { start: 0, end: 4 } }
      await assert.rejects(uploads.append(APP, id, chunk), { code: 'SIZE_INVALID', status: 400 })
      const { size } = await uploads.status(APP, id)
      assert.ok(size <= 5 && size <= body.length)
      await uploads.append(APP, id, { source: streamOf('abcde'.slice(size)) })
      await uploads.finish(APP, id, digestOf(bytesOf('abcde')), undefined)
      assert.ok(await has(digestOf(bytesOf('abcde'))))
    })
  }

  it('keeps what arrived before the client went away (B09)', async () => {
    const { uploads, has } = createUploads()
    const { id } = await uploads.create(APP)
    const gone = new Error('aborted')
    const body = async function* () {
      yield bytesOf('hel')
      throw gone
    }
    await assert.rejects(uploads.append(APP, id, { source: body() }), (error) => error === gone)
    assert.deepEqual(await uploads.status(APP, id), { id, size: 3 })
    await uploads.append(APP, id, { source: streamOf('lo'), range: { start: 3, end: 4 } })
    await uploads.finish(APP, id, digestOf(bytesOf('hello')), undefined)
    assert.ok(await has(digestOf(bytesOf('hello'))))
  })

  it('takes one request at a time; the other is refused at once (B13)', async () => {
    const { uploads, has } = createUploads()
    const { id } = await uploads.create(APP)
    const body = gated('hel', 'lo')
    const first = uploads.append(APP, id, { source: body.source })
    await body.reached
    const busy = sizeIn('RANGE_INVALID', 3)
    await assert.rejects(uploads.append(APP, id, { source: streamOf('x') }), busy)
    await assert.rejects(uploads.finish(APP, id, digestOf(bytesOf('x')), undefined), busy)
    assert.deepEqual(await uploads.status(APP, id), { id, size: 3 })
    body.open()
    assert.equal((await first).size, 5)
    await uploads.finish(APP, id, digestOf(bytesOf('hello')), undefined)
    assert.ok(await has(digestOf(bytesOf('hello'))))
  })

  it('that two finish at the same time is linked once', async () => {
    const { uploads, own } = createUploads()
    const { id } = await uploads.create(APP)
    await uploads.append(APP, id, { source: streamOf('a') })
    const digest = digestOf(bytesOf('a'))
    const results = await Promise.allSettled(
      [1, 2, 3].map(() => uploads.finish(APP, id, digest, undefined)),
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal(own.commits, 1)
  })

  it('does not grow beyond the limit', async () => {
    const { uploads } = createUploads()
    const { id } = await uploads.create(APP)
    const tooLarge = { code: 'TOO_LARGE', status: 413 }
    const body = () => streamOf(randomBytes(BLOB_LIMIT), randomBytes(1))
    await assert.rejects(
      uploads.append(APP, id, { source: body(), range: { start: 0, end: BLOB_LIMIT } }),
      tooLarge,
    )
    assert.equal((await uploads.status(APP, id)).size, 0)
    await assert.rejects(uploads.append(APP, id, { source: body() }), tooLarge)
    assert.ok((await uploads.status(APP, id)).size <= BLOB_LIMIT)
    const { id: exact } = await uploads.create(APP)
    await uploads.append(APP, exact, { source: streamOf(randomBytes(BLOB_LIMIT)) })
  })

  it('can be finished again when it could not be linked', async () => {
    const own = new MemoryRegistry()
    let failures = 1
    const writer: RegistryWriter = {
      transact: (edit) => (failures-- > 0 ? Promise.reject(new Error('EIO')) : own.transact(edit)),
    }
    const { uploads } = createUploads({ writer })
    const { id } = await uploads.create(APP)
    const digest = digestOf(bytesOf('a'))
    await assert.rejects(uploads.finish(APP, id, digest, { source: streamOf('a') }), /EIO/)
    await uploads.finish(APP, id, digest, undefined)
    assert.ok(await own.reader().blob(APP, digest))
  })

  it('is done once its blob is linked, though what is left of it cannot be removed', async () => {
    const { uploads, store, own, clock } = createUploads()
    const create = store.create.bind(store)
    store.create = async (info) => {
      const upload = await create(info)
      upload.discard = () => Promise.reject(new Error('EIO'))
      return upload
    }
    const { id } = await uploads.create(APP)
    const digest = digestOf(bytesOf('a'))
    assert.equal(await uploads.finish(APP, id, digest, { source: streamOf('a') }), 1)
    assert.ok(await own.reader().blob(APP, digest))
    clock.advance(8 * 86_400_000)
    assert.equal(await uploads.purge(), 1)
    assert.equal(store.saved.size, 0)
  })

  it('is opened anew when our own disk failed, for then its state is in doubt', async () => {
    const { uploads, store } = createUploads()
    const create = store.create.bind(store)
    store.create = async (info) => {
      const upload = await create(info)
      upload.append = () => Promise.reject(new Error('EIO'))
      return upload
    }
    const { id } = await uploads.create(APP)
    await assert.rejects(uploads.append(APP, id, { source: streamOf('a') }), /EIO/)
    assert.equal((await uploads.append(APP, id, { source: streamOf('a') })).size, 1)
  })
})

describe('an upload, when the disk is to stay as free as it is', () => {
  const full = Object.assign(new Error('no room'), { code: 'ENOSPC' })
  function little(pieces: number) {
    const left = { pieces }
    const room = {
      make: () => (left.pieces-- > 0 ? Promise.resolve() : Promise.reject(full)),
    }
    return { ...createUploads({ room }), left }
  }

  it('is not begun, and one that looks left behind is given up', async () => {
    const { uploads, clock, left, store } = little(1)
    const { id } = await uploads.create(APP)
    await assert.rejects(uploads.create(APP), full)
    assert.equal(store.saved.size, 1) // somebody may be at it
    clock.advance(2 * 3_600_000)
    await assert.rejects(uploads.create(APP), full)
    assert.equal(store.saved.size, 0)
    left.pieces = 1
    assert.notEqual((await uploads.create(APP)).id, id)
  })

  it('keeps what it had, and goes on from there when there is room', async () => {
    const { uploads, left, has } = little(3)
    const { id } = await uploads.create(APP)
    await assert.rejects(uploads.append(APP, id, { source: streamOf('he', 'll', 'o') }), full)
    assert.deepEqual(await uploads.status(APP, id), { id, size: 4 })
    left.pieces = 1
    await uploads.append(APP, id, { source: streamOf('o') })
    await uploads.finish(APP, id, digestOf(bytesOf('hello')), undefined) // takes no room to speak of
    assert.ok(await has(digestOf(bytesOf('hello'))))
  })
})
