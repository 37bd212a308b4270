import assert from 'node:assert/strict'
import fc from 'fast-check'
import { digestOf } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { streamOf } from '../support/random-image.ts'
import { APP } from '../support/registry-setup.ts'
import { bytesOf, createUploads, gated } from '../support/uploads-setup.ts'
import type { Uploads } from '../../src/registry/uploads.ts'

const REFUSED = { code: 'TOOMANYREQUESTS', status: 429, headers: { 'Retry-After': '10' } }

const append = (uploads: Uploads, id: string, text: string) =>
  uploads.append(APP, id, { source: streamOf(text) })

/** Bytes that are on disk, in all sessions. */
async function stored({ store }: ReturnType<typeof createUploads>): Promise<number> {
  let sum = 0
  for (const id of store.saved.keys()) sum += (await store.sizeOf(id)) ?? 0
  return sum
}

describe('the bytes of open uploads', () => {
  it('are bounded together, and come back when one is finished or cancelled', async () => {
    const { uploads } = createUploads({ maxBytes: 10 })
    const [a, b] = [await uploads.create(APP), await uploads.create(APP)]
    await append(uploads, a.id, 'aaaaaa')
    await append(uploads, b.id, 'bbbb')
    await assert.rejects(append(uploads, b.id, 'b'), REFUSED)
    await assert.rejects(uploads.create(APP), REFUSED)
    await uploads.finish(APP, a.id, digestOf(bytesOf('aaaaaa')), undefined)
    await append(uploads, b.id, 'bbbbbb')
    await uploads.cancel(APP, b.id)
    const c = await uploads.create(APP)
    await append(uploads, c.id, 'cccccccccc')
    await assert.rejects(append(uploads, c.id, 'c'), REFUSED)
    assert.equal((await uploads.status(APP, c.id)).size, 10)
  })

  it('count while they are being written', async () => {
    const { uploads } = createUploads({ maxBytes: 10 })
    const [a, b] = [await uploads.create(APP), await uploads.create(APP)]
    const body = gated('aaaaaa', 'aaaa')
    const writing = uploads.append(APP, a.id, { source: body.source })
    await body.reached
    await assert.rejects(append(uploads, b.id, 'bbbbb'), REFUSED)
    await append(uploads, b.id, 'bbbb')
    body.open()
    await assert.rejects(writing, REFUSED)
    assert.equal((await uploads.status(APP, a.id)).size, 6)
  })

  it('count after a restart, before anybody comes back to them', async () => {
    const { uploads, restart } = createUploads({ maxBytes: 10 })
    const { id } = await uploads.create(APP)
    await append(uploads, id, 'aaaaaaaa')
    const next = restart()
    const other = await next.create(APP)
    await assert.rejects(append(next, other.id, 'bbb'), REFUSED)
    await next.cancel(APP, id)
    await append(next, other.id, 'bbbbbbbbbb')
  })

  it('are given up first where a limit was met, unless the client comes back', async () => {
    const { uploads, clock } = createUploads({ maxBytes: 10 })
    const [a, b] = [await uploads.create(APP), await uploads.create(APP)]
    await append(uploads, a.id, 'aaaaa')
    await append(uploads, b.id, 'bbbbb')
    await assert.rejects(append(uploads, a.id, 'aaa'), REFUSED)
    clock.advance(60_000)
    await append(uploads, b.id, 'bbb') // takes the room of the one that was refused
    await assert.rejects(uploads.status(APP, a.id), { code: 'BLOB_UPLOAD_UNKNOWN' })
    const c = await uploads.create(APP)
    await assert.rejects(append(uploads, c.id, 'ccc'), REFUSED)
    await uploads.status(APP, c.id)
    clock.advance(60_000)
    await assert.rejects(append(uploads, b.id, 'bbb'), REFUSED)
    await uploads.status(APP, c.id)
  })

  it('never exceed the bound, and are never forgotten, whatever many clients do', async () => {
    const step = fc.record({
      who: fc.integer({ min: 0, max: 4 }),
      what: fc.constantFrom('append', 'append', 'append', 'fail', 'cancel', 'finish', 'restart'),
      bytes: fc.integer({ min: 0, max: 40 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 8 }),
        async (rounds) => {
          const world = createUploads({ maxBytes: 100, maxSessions: 1000 })
          let { uploads } = world
          const ids: (string | undefined)[] = []
          for (const round of rounds) {
            await Promise.allSettled(
              round.map(async ({ who, what, bytes }) => {
                if (what === 'restart') return
                const id = (ids[who] ??= (await uploads.create(APP)).id)
                if (what === 'cancel') await uploads.cancel(APP, id)
                else if (what === 'finish')
                  await uploads.finish(APP, id, digestOf(bytesOf('')), undefined)
                else
                  await uploads.append(APP, id, {
                    source: (async function* () {
                      yield bytesOf('x'.repeat(bytes))
                      if (what === 'fail') throw new Error('the client went away')
                      yield bytesOf('y')
                    })(),
                  })
              }),
            )
            for (const [who, id] of ids.entries())
              if (id !== undefined && !world.store.saved.has(id)) ids[who] = undefined
            if (round.some(({ what }) => what === 'restart')) uploads = world.restart()
            assert.ok((await stored(world)) <= 100)
          }
          // What is left is what may still be had: no more, no less.
          const left = 100 - (await stored(world))
          const last = await uploads.create(APP).catch((error: unknown) => {
            assert.ok(left === 0 && isRegistryError(error, 'TOOMANYREQUESTS'), String(error))
          })
          if (last === undefined) return
          await append(uploads, last.id, 'z'.repeat(left))
          await assert.rejects(append(uploads, last.id, 'z'), REFUSED)
        },
      ),
      { numRuns: 200 },
    )
  })
})
