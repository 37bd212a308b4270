import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { parseTag } from '../../src/oci/name.ts'
import { Proofs, StillProvingError } from '../../src/registry/proofs.ts'
import { Trust, WrongContentError } from '../../src/registry/trust.ts'
import { VerifiedReader } from '../../src/registry/verified.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { collect, piece, randomImage, store } from '../support/random-image.ts'
import { APP, BLOB_LIMIT, FakeClock, lying, never, twisted } from '../support/registry-setup.ts'
import type { Content, RegistrySource } from '../../src/registry/ports.ts'
import type { RandomManifest } from '../support/random-image.ts'

const HOUR = 3_600_000

describe('what a mirror claims', () => {
  let image: RandomManifest
  let mirror: MemoryRegistry
  let clock: FakeClock
  let trust: Trust
  let reported: unknown[]

  beforeEach(async () => {
    image = randomImage({ layers: [50_000] })
    mirror = new MemoryRegistry('m')
    await store({ writer: mirror, content: mirror.content }, APP, image, parseTag('v1'))
    clock = new FakeClock()
    trust = new Trust({ map: new MemoryMap(), now: clock.now })
    reported = []
  })

  const layer = () => image.blobs.at(-1) ?? assert.fail()
  const verified = (source: RegistrySource) => {
    const init = {
      trust,
      blobLimit: BLOB_LIMIT,
      onMirrorError: (_: string, error: unknown) => void reported.push(error),
    }
    return new VerifiedReader(source.reader() ?? assert.fail(), init)
  }
  const lies = (bytes: Uint8Array, pieces?: number) =>
    verified(twisted(mirror, { blob: (content) => lying(content, bytes, pieces) }))
  const counted = () => {
    const opens: (string | undefined)[] = []
    const reader = verified(
      twisted(mirror, {
        blob: (content) => ({
          ...content,
          open: (options = {}) => {
            opens.push(options.range === undefined ? 'whole' : 'range')
            return content.open(options)
          },
        }),
      }),
    )
    return { reader, opens }
  }

  describe('about a blob', () => {
    const sameLength = () => randomBytes(50_000)
    const wrong: [string, () => Uint8Array, number][] = [
      ['other bytes in many pieces', sameLength, 50],
      ['other bytes in one piece', sameLength, 1],
      ['the right bytes and more', () => Buffer.concat([layer().bytes, Buffer.from('x')]), 7],
      [
        'the right bytes and more, cut where the size ends',
        () => Buffer.concat([layer().bytes, layer().bytes]),
        2,
      ],
      ['the right bytes but the last', () => layer().bytes.subarray(0, -1), 7],
      ['nothing', () => new Uint8Array(), 1],
    ]
    for (const [what, bytes, pieces] of wrong) {
      it(`is never completed: ${what}`, async () => {
        const blob = (await lies(bytes(), pieces).blob(APP, layer().digest)) ?? assert.fail()
        let received = 0
        await assert.rejects(async () => {
          for await (const chunk of blob.open()) received += chunk.length
        }, WrongContentError)
        assert.ok(received < layer().size, `${received} bytes were given out`)
      })
    }

    for (const claimed of [49_999, 50_001]) {
      it(`is never completed when the size it claims is ${claimed} and the bytes are right`, async () => {
        const source = twisted(mirror, { blob: (content) => ({ ...content, size: claimed }) })
        const blob = (await verified(source).blob(APP, layer().digest)) ?? assert.fail()
        await assert.rejects(collect(blob.open()), WrongContentError)
        assert.equal(await verified(source).blob(APP, layer().digest), undefined)
      })
    }

    it('is never completed by empty pieces after the last one', async () => {
      const bytes = sameLength()
      const padded = twisted(mirror, {
        blob: (content) => ({
          ...lying(content, bytes),
          open: async function* () {
            yield bytes
            yield new Uint8Array()
            yield new Uint8Array()
          },
        }),
      })
      const blob = (await verified(padded).blob(APP, layer().digest)) ?? assert.fail()
      await assert.rejects(async () => {
        for await (const chunk of blob.open()) assert.equal(chunk.length, 0)
      }, WrongContentError)
    })

    it('is absent for an hour once it was wrong, and tried again after that', async () => {
      const reader = lies(sameLength())
      const { digest } = layer()
      await assert.rejects(collect((await reader.blob(APP, digest))!.open()), WrongContentError)
      assert.equal(await reader.blob(APP, digest), undefined)
      clock.advance(HOUR - 1)
      assert.equal(await reader.blob(APP, digest), undefined)
      clock.advance(1)
      assert.ok(await reader.blob(APP, digest))
    })

    it('stays as it was when a consumer stops early', async () => {
      const { reader, opens } = counted()
      const blob = (await reader.blob(APP, layer().digest)) ?? assert.fail()
      for await (const chunk of blob.open()) {
        assert.ok(chunk.length > 0)
        break
      }
      const again = (await reader.blob(APP, layer().digest)) ?? assert.fail()
      assert.equal(await trust.isProven(again), false)
      await collect(again.open({ range: { offset: 0, length: 1 } }))
      assert.deepEqual(opens, ['whole', 'whole', 'range'])
    })

    it('stays as it was when reading fails', async () => {
      const failure = new Error('the peer is gone')
      const failing = twisted(mirror, {
        blob: (content) => ({
          ...content,
          open: async function* () {
            yield layer().bytes.subarray(0, 10)
            throw failure
          },
        }),
      })
      const reader = verified(failing)
      const blob = (await reader.blob(APP, layer().digest)) ?? assert.fail()
      await assert.rejects(collect(blob.open()), (error) => error === failure)
      assert.ok(await reader.blob(APP, layer().digest), 'it is not taken for wrong')
    })

    it('is trusted for good once the whole of it was right', async () => {
      const { reader, opens } = counted()
      const blob = (await reader.blob(APP, layer().digest)) ?? assert.fail()
      const range = { offset: 100, length: 7 }
      assert.deepEqual(await collect(blob.open()), Uint8Array.from(layer().bytes))
      assert.deepEqual(
        await collect(blob.open({ range })),
        Uint8Array.from(layer().bytes.subarray(100, 107)),
      )
      const later = (await reader.blob(APP, layer().digest)) ?? assert.fail()
      await collect(later.open({ range }))
      assert.deepEqual(opens, ['whole', 'range', 'range'], 'no range waited for the whole')
    })

    it('is read as a whole once for all the ranges that wait for it', async () => {
      const { reader, opens } = counted()
      const parts = await Promise.all(
        [0, 10, 20, 30].map(async (offset) => {
          const blob = (await reader.blob(APP, layer().digest)) ?? assert.fail()
          return collect(blob.open({ range: { offset, length: 5 } }))
        }),
      )
      for (const [i, part] of parts.entries()) {
        assert.deepEqual(part, Uint8Array.from(layer().bytes.subarray(i * 10, i * 10 + 5)))
      }
      assert.deepEqual(
        opens.filter((open) => open === 'whole'),
        ['whole'],
      )
    })

    it('goes on being read for the others when one of them gives up', async () => {
      const gate = Promise.withResolvers<void>()
      const started = Promise.withResolvers<AbortSignal | undefined>()
      const slow = twisted(mirror, {
        blob: (content) => ({
          ...content,
          open: async function* (options = {}) {
            if (options.range === undefined) {
              started.resolve(options.signal)
              await gate.promise
            }
            yield* content.open(options)
          },
        }),
      })
      const blob = (await verified(slow).blob(APP, layer().digest)) ?? assert.fail()
      const impatient = new AbortController()
      const range = { offset: 0, length: 5 }
      const first = collect(blob.open({ range, signal: impatient.signal }))
      const second = collect(blob.open({ range }))
      const signal = await started.promise
      impatient.abort()
      await assert.rejects(first, { name: 'AbortError' })
      assert.equal(signal?.aborted, false)
      gate.resolve()
      assert.equal((await second).length, 5)
    })

    it('stops being read when all who waited have given up', async () => {
      const started = Promise.withResolvers<AbortSignal | undefined>()
      const stuck = twisted(mirror, {
        blob: (content) => ({
          ...content,
          open: async function* (options = {}) {
            started.resolve(options.signal)
            await never(options.signal)
            yield new Uint8Array()
          },
        }),
      })
      const blob = (await verified(stuck).blob(APP, layer().digest)) ?? assert.fail()
      const abort = new AbortController()
      const waiting = collect(blob.open({ range: { offset: 0, length: 5 }, signal: abort.signal }))
      const signal = await started.promise
      abort.abort()
      await assert.rejects(waiting, { name: 'AbortError' })
      assert.equal(signal?.aborted, true)
    })

    describe('that takes too long to be proven', () => {
      /** The source gives its first half at once, and the rest when it is let. */
      const halting = () => {
        const gate = Promise.withResolvers<void>()
        const wholes: (AbortSignal | undefined)[] = []
        const slow = twisted(mirror, {
          blob: (content) => ({
            ...content,
            open: async function* (options = {}) {
              const { range, signal } = options
              if (range !== undefined) return yield* content.open(options)
              wholes.push(signal)
              const half = content.size >> 1
              yield* content.open({ signal, range: { offset: 0, length: half } })
              await Promise.race([gate.promise, never(signal)])
              yield* content.open({ signal, range: { offset: half, length: content.size - half } })
            },
          }),
        })
        return { slow, gate, wholes }
      }
      const patience = (init: ConstructorParameters<typeof Proofs>[0]): void => {
        trust = new Trust({ map: new MemoryMap(), now: clock.now, proofs: new Proofs(init) })
      }
      const range = { offset: 3, length: 5 }
      const part = async (source: RegistrySource): Promise<Uint8Array> =>
        collect(
          ((await verified(source).blob(APP, layer().digest)) ?? assert.fail()).open({ range }),
        )

      it('is not waited for, and goes on for who comes again', async () => {
        patience({ waitMs: 20 })
        const { slow, gate, wholes } = halting()
        await assert.rejects(part(slow), StillProvingError)
        await assert.rejects(part(slow), StillProvingError)
        gate.resolve()
        assert.deepEqual(await part(slow), Uint8Array.from(layer().bytes.subarray(3, 8)))
        assert.equal(wholes.length, 1, 'read once for all of them')
      })

      it('is given up when nobody comes again', async () => {
        patience({ waitMs: 20, goesOnMs: 20 })
        const { slow, wholes } = halting()
        await assert.rejects(part(slow), StillProvingError)
        await never(wholes[0]).catch(() => undefined)
        assert.equal(wholes[0]?.aborted, true)
      })

      it('is given up at once when too many go on for nobody, or the registry stops', async () => {
        patience({ waitMs: 20, goingOnMax: 1 })
        const [first, second] = [halting(), halting()]
        await assert.rejects(part(first.slow), StillProvingError)
        const other = twisted(second.slow, {
          blob: (content) => ({ ...content, id: `${content.id}2` }),
        })
        await assert.rejects(part(other), StillProvingError)
        assert.deepEqual(
          [first, second].map(({ wholes: [signal] }) => signal?.aborted),
          [false, true],
        )
        const stopped = assert.rejects(never(first.wholes[0]))
        trust.proofs.stop()
        await stopped
      })
    })

    it('gives no part of wrong content', async () => {
      const blob = (await lies(sameLength()).blob(APP, layer().digest)) ?? assert.fail()
      await assert.rejects(
        collect(blob.open({ range: { offset: 0, length: 5 } })),
        WrongContentError,
      )
    })

    it('is refused when it claims to be larger than blobs may be', async () => {
      const huge = twisted(mirror, { blob: (content) => ({ ...content, size: BLOB_LIMIT + 1 }) })
      assert.equal(await verified(huge).blob(APP, layer().digest), undefined)
      assert.equal(reported.length, 1)
    })

    it('needs no proof when its id is one', async () => {
      const proven = twisted(mirror, { blob: (content) => ({ ...content, proven: true }) })
      const blob = (await verified(proven).blob(APP, layer().digest)) ?? assert.fail()
      assert.equal((await collect(blob.open({ range: { offset: 1, length: 2 } }))).length, 2)
      assert.equal(await new Trust({ map: new MemoryMap(), now: clock.now }).isProven(blob), true)
    })
  })

  describe('about a manifest', () => {
    const twist = (manifest: (content: Content) => Content) =>
      verified(twisted(mirror, { manifest }))

    it('is verified before any of it is given out', async () => {
      const manifest = (await verified(mirror).manifest(APP, image.digest)) ?? assert.fail()
      assert.deepEqual(await collect(manifest.open()), Uint8Array.from(image.bytes))
    })

    const wrong: [string, (content: Content) => Content][] = [
      ['other bytes', (content) => lying(content, randomBytes(image.size))],
      ['a shorter document', (content) => lying(content, image.bytes.subarray(1))],
      [
        'a longer document',
        (content) => lying(content, Buffer.concat([image.bytes, Buffer.from(' ')])),
      ],
      ['a size beyond what manifests may have', (content) => ({ ...content, size: 2 ** 40 })],
    ]
    for (const [what, lie] of wrong) {
      it(`is absent when it is ${what}, and so is a tag for it`, async () => {
        const reader = twist(lie)
        assert.equal(await reader.resolveTag(APP, parseTag('v1')), undefined)
        assert.equal(await reader.manifest(APP, image.digest), undefined)
        assert.equal(reported.length, 1, 'it is remembered, and reported once')
        assert.ok(reported[0] instanceof WrongContentError)
      })
    }

    it('is thrown on when it could not be read', async () => {
      const reader = new VerifiedReader(
        twisted(mirror, {
          before: async (call) => {
            if (call === 'manifest') throw new Error('no route')
          },
        }).reader() ?? assert.fail(),
        { trust, blobLimit: BLOB_LIMIT },
      )
      await assert.rejects(reader.manifest(APP, image.digest), /no route/)
    })
  })

  it('does not use much memory, however large the blob', async () => {
    const { digest } = piece(randomBytes(1), 'x/y')
    const chunk = new Uint8Array(64 * 1024)
    const count = 4096 // 256 MiB
    let alive = 0
    const endless: Content = {
      digest,
      size: chunk.length * count,
      id: 'endless',
      open: async function* () {
        for (let i = 0; i < count; i++) {
          alive++
          yield chunk
        }
      },
    }
    const source = twisted(mirror, { blob: () => endless })
    const reader = new VerifiedReader(source.reader() ?? assert.fail(), {
      trust,
      blobLimit: 2 ** 40,
    })
    const blob = (await reader.blob(APP, layer().digest)) ?? assert.fail()
    let received = 0
    await assert.rejects(async () => {
      for await (const _ of blob.open()) {
        received++
        assert.ok(alive - received <= 1, 'it reads at most one piece ahead')
      }
    }, WrongContentError)
    assert.equal(received, count - 1)
  })
})
