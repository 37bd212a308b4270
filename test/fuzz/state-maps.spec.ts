import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { DAG_PB, cidFromHash } from '../../src/blocks/cids.ts'
import { StateDb } from '../../src/blocks/state-db.ts'
import { readMfsRoot } from '../../src/ipfs/mfs-pointer.ts'
import { loadMirrorState, saveMirrorState } from '../../src/naming/mirror-state.ts'
import { loadPublisherState, savePublisherState } from '../../src/naming/publisher-state.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { Tombstones } from '../../src/registry/tombstones.ts'
import { DamagedJournalError, Journal } from '../../src/tree/journal.ts'
import { MemoryMap } from '../naming/support.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { isA, laterOutcome } from './properties.ts'
import type { Datastore } from 'interface-datastore'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { Tombstone, TombstoneKind } from '../../src/registry/tombstones.ts'
import type { JournalEntry } from '../../src/tree/journal.ts'

const root = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((digest) => cidFromHash(DAG_PB, digest))
const sequence = fc.bigInt(0n, 2n ** 64n - 1n)
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
)

describe('what a mirror must not forget (properties)', () => {
  const current = fc.record({ sequence, root })
  const floor = fc.record({
    sequence,
    root,
    validUntil: fc.maxSafeNat(),
    record: fc.base64String(),
  })
  const state = fc.record({ floor, current }, { requiredKeys: [] })

  it('is read as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(state, async (written) => {
        const map = new MemoryMap()
        await saveMirrorState(map, 'm', written)
        const read = await loadMirrorState(map, 'm')
        assert.deepEqual(shown(read), shown(written))
      }),
    )
  })

  it('is an error when it cannot be read, never a floor that fell', async () => {
    const nearly = fc
      .tuple(state, fc.constantFrom('sequence', 'root', 'validUntil'), fc.jsonValue())
      .map(([written, key, value]) =>
        JSON.stringify(shown(written), (name, old: unknown) => (name === key ? value : old)),
      )
      .map((text) => Buffer.from(text))
    await fc.assert(
      fc.asyncProperty(fc.oneof(garbage, nearly), async (bytes) => {
        const map = new MemoryMap()
        await map.put('m', bytes)
        const read = await laterOutcome(() => loadMirrorState(map, 'm'), isA(Error))
        for (const part of [read?.floor, read?.current]) {
          if (part !== undefined)
            assert.ok(typeof part.sequence === 'bigint' && part.sequence >= 0n)
        }
      }),
      { numRuns: 500 },
    )
  })

  function shown(value: unknown): unknown {
    return JSON.parse(
      JSON.stringify(value, (name, part: unknown) => {
        if (name === 'root') return String(part)
        return typeof part === 'bigint' ? part.toString() : part
      }),
    )
  }
})

describe('what a publisher must not forget (properties)', () => {
  it('is read as it was written, or is an error', async () => {
    const state = fc.record(
      {
        sequence,
        value: fc.string(),
        confirmed: fc.boolean(),
        record: fc.base64String(),
        publishedAt: fc.maxSafeNat(),
      },
      { requiredKeys: ['sequence', 'value', 'confirmed'] },
    )
    await fc.assert(
      fc.asyncProperty(state, garbage, async (written, bytes) => {
        const map = new MemoryMap()
        await savePublisherState(map, 'k', written)
        assert.deepEqual({ ...(await loadPublisherState(map, 'k')) }, { ...written })
        await map.put('k', bytes)
        const read = await laterOutcome(() => loadPublisherState(map, 'k'), isA(Error))
        if (read !== undefined) assert.ok(read.sequence >= 0n)
      }),
    )
  })
})

describe('the map of tombstones (properties)', () => {
  type Hidden = readonly [RepositoryName, TombstoneKind, string]
  const name = fc.constantFrom('app', 'a/b', 'a').map(parseName)
  const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/).map(parseTag)
  const hidden: fc.Arbitrary<Hidden> = fc.oneof(
    fc.tuple(name, fc.constant<TombstoneKind>('tag'), tag),
    fc.tuple(
      name,
      fc.constantFrom<TombstoneKind[]>('manifest', 'blob'),
      fc.stringMatching(/^sha256:[0-9a-f]{64}$/),
    ),
  )
  const step = fc.tuple(fc.boolean(), hidden)
  const byText = (list: readonly Tombstone[]): string[] =>
    list.map((each) => JSON.stringify(each)).toSorted()
  const keyOf = ([repository, kind, what]: Hidden): string => `${repository} ${kind} ${what}`

  it('is the same after a restart, and holds what was hidden and not shown since', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const map = new MemoryMap()
        let now = 1000
        const tombstones = await Tombstones.open(map, () => now++)
        const model = new Map<string, Hidden>()
        for (const [hides, each] of steps) {
          if (hides) await tombstones.hide(...each)
          else assert.equal(await tombstones.show(...each), model.has(keyOf(each)))
          if (hides) model.set(keyOf(each), each)
          else model.delete(keyOf(each))
        }
        const again = await Tombstones.open(map, () => 0)
        for (const one of [tombstones, again]) {
          const listed = one.list().map((each) => keyOf([each.name, each.kind, each.what]))
          assert.deepEqual(listed.toSorted(), [...model.keys()].toSorted())
          for (const [, each] of steps) assert.equal(one.hides(...each), model.has(keyOf(each)))
        }
        assert.deepEqual(byText(again.list()), byText(tombstones.list()))
      }),
    )
  })

  it('is an Error when it holds something else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string(),
        fc.oneof(garbage, fc.constant(Buffer.from('5'))),
        async (key, value) => {
          const map = new MemoryMap()
          await map.put(key, value)
          const opened = await laterOutcome(() => Tombstones.open(map, () => 0), isA(Error))
          for (const { at } of opened?.list() ?? []) assert.ok(Number.isSafeInteger(at))
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('the journal (properties)', () => {
  const change = fc.record(
    {
      action: fc.constantFrom('link' as const, 'tag' as const),
      name: fc.constant(parseName('app')),
    },
    { noNullPrototype: true },
  )
  const entries = fc.array(
    fc.record(
      { time: fc.maxSafeNat(), public: root, changes: fc.array(change, { maxLength: 3 }) },
      { noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 4 },
  )
  const damage = fc.record({ at: fc.nat(), bit: fc.nat(7), cut: fc.boolean() })

  it('gives the newest entry, and says when a newer one is damaged', async () => {
    await using directory = await temporaryDirectory()
    const state = await StateDb.open(join(directory.path, 'state'))
    let first = 1
    try {
      await fc.assert(
        fc.asyncProperty(entries, fc.option(damage), async (list, harm) => {
          const journal = new Journal(state)
          const written = list.map((entry, n): JournalEntry => ({
            ...entry,
            sequence: first + n,
            private: undefined,
          }))
          first += list.length
          const writes = written.flatMap((entry) => journal.write(entry))
          const last = writes.at(-2) // the last entry; behind it is where its root is found
          assert.ok(last?.value !== undefined)
          if (harm !== null) last.value = harmed(last.value, harm)
          await state.write(writes)
          const { entry, damage: found } = await journal.newest()
          if (harm === null) {
            assert.deepEqual(
              { ...entry, public: String(entry?.public) },
              { ...written.at(-1), public: String(written.at(-1)?.public) },
            )
            assert.equal(found, undefined)
          } else {
            assert.ok(found instanceof DamagedJournalError)
            assert.notEqual(entry?.sequence, written.at(-1)?.sequence)
          }
          if (harm !== null) await state.write([{ key: last.key, value: undefined }])
        }),
      )
    } finally {
      await state.close()
    }
  })

  function harmed(
    value: Uint8Array,
    { at, bit, cut }: { at: number; bit: number; cut: boolean },
  ): Uint8Array {
    const copy = Uint8Array.from(value)
    if (cut) return copy.subarray(0, at % copy.length)
    copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << bit)
    return copy
  }
})

describe('the root that MFS had (properties)', () => {
  it('is a CID, or none when anything else is there', async () => {
    const stored = fc.oneof(
      garbage,
      root.map((cid) => cid.bytes),
    )
    await fc.assert(
      fc.asyncProperty(stored, async (bytes) => {
        const datastore = { get: () => Promise.resolve(bytes) } as unknown as Datastore
        const read = await readMfsRoot(datastore)
        if (read !== undefined) assert.deepEqual(Buffer.from(read.bytes), Buffer.from(bytes))
      }),
      { numRuns: 500 },
    )
  })
})
