import assert from 'node:assert/strict'
import { once } from 'node:events'
import { digestOf } from '../../src/oci/digest.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { streamOf } from '../support/random-image.ts'
import { APP } from '../support/registry-setup.ts'
import { bytesOf, createUploads, gated } from '../support/uploads-setup.ts'
import type { Upload } from '../../src/registry/ports.ts'
import type { MemoryUploadStore } from '../support/memory-ports.ts'

const UNKNOWN = { code: 'BLOB_UPLOAD_UNKNOWN', status: 404 }
const DIGEST = digestOf(bytesOf('hello'))

type Setup = ReturnType<typeof createUploads>

/** Changes each upload that is made. */
function changing(store: MemoryUploadStore, change: (upload: Upload) => void): void {
  const create = store.create.bind(store)
  store.create = async (info) => {
    const upload = await create(info)
    change(upload)
    return upload
  }
}

/** A body that gives something, and then nothing any more. */
function silent(text: string) {
  const reached = Promise.withResolvers<void>()
  const source = async function* () {
    yield bytesOf(text)
    reached.resolve()
    await Promise.withResolvers<never>().promise
  }
  return { source: source(), reached: reached.promise }
}

async function isGone({ uploads, store, has }: Setup, id: string): Promise<void> {
  assert.equal(store.saved.size, 0)
  assert.equal(await has(DIGEST), false)
  await assert.rejects(uploads.status(APP, id), UNKNOWN)
  await assert.rejects(uploads.append(APP, id, { source: streamOf('x') }), UNKNOWN)
  await assert.rejects(uploads.finish(APP, id, DIGEST, undefined), UNKNOWN)
  await assert.rejects(uploads.cancel(APP, id), UNKNOWN)
}

describe('cancelling an upload that is being written to', () => {
  const ways = {
    append: ({ uploads }: Setup, id: string, source: AsyncIterable<Uint8Array>) =>
      uploads.append(APP, id, { source }),
    'append a range': ({ uploads }: Setup, id: string, source: AsyncIterable<Uint8Array>) =>
      uploads.append(APP, id, { source, range: { start: 0, end: 4 } }),
    finish: ({ uploads }: Setup, id: string, source: AsyncIterable<Uint8Array>) =>
      uploads.finish(APP, id, DIGEST, { source }),
  }
  for (const [what, write] of Object.entries(ways)) {
    it(`ends it at once, though the client is silent: ${what}`, async () => {
      const setup = createUploads()
      const { id } = await setup.uploads.create(APP)
      const body = silent('hello')
      const writing = write(setup, id, body.source)
      const ended = assert.rejects(writing, UNKNOWN)
      await body.reached
      await setup.uploads.cancel(APP, id)
      assert.equal(setup.store.saved.size, 0, 'when the answer comes it has gone')
      await ended
      await isGone(setup, id)
    })
  }

  it('lets the source go, and reads no more of it', async () => {
    const { uploads } = createUploads()
    const { id } = await uploads.create(APP)
    const read: string[] = []
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    async function* source() {
      try {
        for (const text of ['a', 'b', 'c']) {
          read.push(text)
          yield bytesOf(text)
          reached.resolve()
          await gate.promise
        }
      } finally {
        released.resolve()
      }
    }
    const writing = assert.rejects(uploads.append(APP, id, { source: source() }), UNKNOWN)
    await reached.promise
    await uploads.cancel(APP, id)
    await writing
    gate.resolve()
    await released.promise
    assert.deepEqual(read, ['a', 'b'])
  })

  it('waits until the request has let go of it, and takes no other meanwhile', async () => {
    const setup = createUploads()
    const { uploads, store } = setup
    const [isAtDisk, disk] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    changing(store, (upload) => {
      const append = upload.append.bind(upload)
      upload.append = async (...args) => {
        try {
          return await append(...args)
        } finally {
          isAtDisk.resolve()
          await disk.promise // what came before is made durable
        }
      }
    })
    const { id } = await uploads.create(APP)
    const body = silent('hello')
    const writing = assert.rejects(uploads.append(APP, id, { source: body.source }), UNKNOWN)
    await body.reached
    let isDone = false
    const cancelled = uploads.cancel(APP, id).then(() => (isDone = true))
    await isAtDisk.promise
    await assert.rejects(uploads.status(APP, id), UNKNOWN)
    await assert.rejects(uploads.append(APP, id, { source: streamOf('x') }), UNKNOWN)
    await assert.rejects(uploads.finish(APP, id, DIGEST, undefined), UNKNOWN)
    assert.equal(isDone, false)
    disk.resolve()
    await Promise.all([cancelled, writing])
    await isGone(setup, id)
  })

  it('also when our own disk fails just then: nobody opens it again from what is left', async () => {
    const setup = createUploads()
    const { uploads, store } = setup
    changing(store, (upload) => {
      const append = upload.append.bind(upload)
      upload.append = async (...args) => {
        await append(...args).catch(() => undefined)
        throw new Error('EIO')
      }
    })
    const { id } = await uploads.create(APP)
    const body = silent('hello')
    const writing = assert.rejects(uploads.append(APP, id, { source: body.source }), /EIO/)
    await body.reached
    const { open } = store
    store.open = () => assert.fail('it was opened again')
    await uploads.cancel(APP, id)
    await writing
    store.open = open
    await isGone(setup, id)
  })

  it('gives its place and its bytes back', async () => {
    const { uploads } = createUploads({ maxSessions: 1, maxBytes: 5 })
    for (let round = 0; round < 3; round++) {
      const { id } = await uploads.create(APP)
      const body = silent('hello')
      const writing = assert.rejects(uploads.append(APP, id, { source: body.source }), UNKNOWN)
      await body.reached
      await assert.rejects(uploads.create(APP), { code: 'TOOMANYREQUESTS' })
      await uploads.cancel(APP, id)
      await writing
    }
    const { id } = await uploads.create(APP)
    assert.equal((await uploads.append(APP, id, { source: streamOf('hello') })).size, 5)
  })
})

describe('cancelling an upload that is being finished', () => {
  /** A lane whose commit is held, before or after the edit ran. */
  function held(when: 'before the edit' | 'after the edit') {
    const own = new MemoryRegistry()
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const hold = async (): Promise<void> => {
      reached.resolve()
      await gate.promise
    }
    const writer: typeof own.transact = (edit, options) =>
      own.transact(async (tx) => {
        if (when === 'before the edit') await hold()
        const result = await edit(tx)
        if (when === 'after the edit') await hold()
        return result
      }, options)
    const setup = createUploads({ writer: { transact: writer } })
    return { ...setup, own, reached: reached.promise, open: () => gate.resolve() }
  }

  it('stops it, before the tree has taken the blob', async () => {
    const setup = held('before the edit')
    const { uploads, own } = setup
    const { id } = await uploads.create(APP)
    const finished = assert.rejects(
      uploads.finish(APP, id, DIGEST, { source: streamOf('hello') }),
      UNKNOWN,
    )
    await setup.reached
    const cancelled = uploads.cancel(APP, id)
    setup.open()
    await Promise.all([finished, cancelled])
    assert.equal(await own.reader().blob(APP, DIGEST), undefined)
    await isGone(setup, id)
  })

  it('comes too late once the tree is taking it: the upload is finished, and so unknown', async () => {
    const { uploads, own, store, reached, open } = held('after the edit')
    const { id } = await uploads.create(APP)
    const finished = uploads.finish(APP, id, DIGEST, { source: streamOf('hello') })
    await reached
    const cancelled = assert.rejects(uploads.cancel(APP, id), UNKNOWN)
    open()
    await cancelled
    assert.equal(await finished, 5)
    assert.ok(await own.reader().blob(APP, DIGEST))
    assert.equal(store.saved.size, 0)
  })

  it('stops a second pass over its content', async () => {
    const setup = createUploads()
    const { uploads, store } = setup
    const reading = Promise.withResolvers<void>()
    changing(store, (upload) => {
      upload.finish = async (_digest, { signal } = {}) => {
        reading.resolve()
        await once(signal!, 'abort')
        throw signal!.reason
      }
    })
    const { id } = await uploads.create(APP)
    const finished = assert.rejects(uploads.finish(APP, id, DIGEST, undefined), UNKNOWN)
    await reading.promise
    await uploads.cancel(APP, id)
    await finished
    await isGone(setup, id)
  })

  it('ends it when the commit fails', async () => {
    const failing = new MemoryRegistry()
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const transact = async (): Promise<never> => {
      reached.resolve()
      await gate.promise
      throw new Error('ENOSPC')
    }
    const setup = createUploads({ writer: { transact } })
    const { uploads } = setup
    const { id } = await uploads.create(APP)
    const finished = assert.rejects(
      uploads.finish(APP, id, DIGEST, { source: streamOf('hello') }),
      /ENOSPC/,
    )
    await reached.promise
    const cancelled = uploads.cancel(APP, id)
    gate.resolve()
    await Promise.all([finished, cancelled])
    assert.equal(await failing.reader().blob(APP, DIGEST), undefined)
    await isGone(setup, id)
  })
})

describe('cancelling an upload beside others who end it', () => {
  it('is done once for two who cancel it at the same time', async () => {
    const setup = createUploads()
    const { uploads, store } = setup
    let discards = 0
    changing(store, (upload) => {
      const discard = upload.discard.bind(upload)
      upload.discard = () => {
        discards++
        return discard()
      }
    })
    const { id } = await uploads.create(APP)
    const body = silent('hello')
    const writing = assert.rejects(uploads.append(APP, id, { source: body.source }), UNKNOWN)
    await body.reached
    await Promise.all([uploads.cancel(APP, id), uploads.cancel(APP, id), writing])
    assert.equal(discards, 1)
    await isGone(setup, id)
  })

  it('can be tried again when it could not be removed; until then it takes nothing', async () => {
    const setup = createUploads()
    const { uploads, store } = setup
    let failures = 1
    changing(store, (upload) => {
      const discard = upload.discard.bind(upload)
      upload.discard = () => (failures-- > 0 ? Promise.reject(new Error('EIO')) : discard())
    })
    const { id } = await uploads.create(APP)
    await uploads.append(APP, id, { source: streamOf('hello') })
    await assert.rejects(uploads.cancel(APP, id), /EIO/)
    await assert.rejects(uploads.status(APP, id), UNKNOWN)
    await assert.rejects(uploads.finish(APP, id, DIGEST, undefined), UNKNOWN)
    await uploads.cancel(APP, id)
    await isGone(setup, id)
  })

  it('and that nobody tried again goes with the idle ones, however lately it was used', async () => {
    const setup = createUploads({ maxSessions: 1 })
    const { uploads, store } = setup
    let failures = 2
    changing(store, (upload) => {
      const discard = upload.discard.bind(upload)
      upload.discard = () => (failures-- > 0 ? Promise.reject(new Error('EIO')) : discard())
    })
    const { id } = await uploads.create(APP)
    await assert.rejects(uploads.cancel(APP, id), /EIO/)
    await assert.rejects(uploads.create(APP), { code: 'TOOMANYREQUESTS' }, 'it is still there')
    assert.equal(await uploads.purge(), 1)
    await isGone(setup, id)
    await uploads.create(APP)
  })

  it('and a purge at the same time: either ends it', async () => {
    for (const isPurgeFirst of [true, false]) {
      const setup = createUploads()
      const { uploads, clock } = setup
      const { id } = await uploads.create(APP)
      await uploads.append(APP, id, { source: streamOf('hello') })
      clock.advance(1001)
      if (isPurgeFirst) {
        const purged = uploads.purge()
        await Promise.allSettled([uploads.cancel(APP, id), purged])
      } else await Promise.all([uploads.cancel(APP, id), uploads.purge()])
      await isGone(setup, id)
    }
  })

  it('is for who may see it alone, and stops nobody else’s', async () => {
    const { uploads, has } = createUploads()
    const by = { user: 'ann' } as never
    const { id } = await uploads.create(APP, { by })
    const body = gated('hel', 'lo')
    const writing = uploads.finish(APP, id, DIGEST, { source: body.source }, { by })
    await body.reached
    await assert.rejects(uploads.cancel(APP, id, { by: { user: 'bob' } as never }), UNKNOWN)
    body.open()
    await writing
    assert.ok(await has(DIGEST))
  })
})
