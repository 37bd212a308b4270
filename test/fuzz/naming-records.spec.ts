import assert from 'node:assert/strict'
import { IPNSEntry } from '@helia/ipns'
import { encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { base36 } from 'multiformats/bases/base36'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { DAG_PB, cidFromHash } from '../../src/blocks/cids.ts'
import { fromRoutingKey, ipnsName } from '../../src/naming/name.ts'
import { InvalidRecordError, readRecord, signRecord } from '../../src/naming/record.ts'
import { MAX_VALIDITY, ruleOn } from '../../src/naming/record-policy.ts'
import { rootOf, valueOf } from '../../src/naming/root-value.ts'
import { EMPTY_DIRECTORY, LIFETIME, keychain, makeKey, nameOf } from '../naming/support.ts'
import { isA, laterOutcome, outcome } from './properties.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { IpnsRecord } from '../../src/naming/record.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const root = hash.map((digest) => cidFromHash(DAG_PB, digest))
const anyCid = fc
  .tuple(
    fc.constantFrom(0x70, 0x55, 0x71, 0x72),
    fc.constantFrom(0, 0x11, 0x12),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map(([codec, code, digest]) => CID.createV1(codec, create(code, digest)))
const sequence = fc.bigInt(0n, 2n ** 64n - 1n)

describe('what a name points to (properties)', () => {
  it('is a directory’s CID, or nothing that is followed', () => {
    fc.assert(fc.property(root, (cid) => assert.ok(rootOf(valueOf(cid))?.equals(cid))))
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `/ipfs/${text}`),
      anyCid.map((cid) => `/ipfs/${cid}`),
      anyCid.map((cid) => `/ipns/${cid}`),
      fc.tuple(anyCid, fc.string()).map(([cid, path]) => `/ipfs/${cid}/${path}`),
      fc
        .string({ unit: fc.constantFrom('a', '2', 'Q', 'm', 'z', '1'), maxLength: 5000 })
        .map((text) => `/ipfs/b${text}`),
    )
    fc.assert(
      fc.property(value, (text) => {
        const cid = rootOf(text)
        if (cid === undefined) return
        assert.equal(cid.code, DAG_PB)
        assert.equal(cid.multihash.digest.length, 32)
        assert.ok(rootOf(valueOf(cid))?.equals(cid))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('an IPNS name (properties)', () => {
  it('survives its three forms', () => {
    const key = fc.oneof(
      hash.map((digest) => create(0x12, digest)),
      fc.uint8Array({ minLength: 36, maxLength: 42 }).map((digest) => create(0, digest)),
    )
    fc.assert(
      fc.property(key, (multihash) => {
        const name = ipnsName(CID.createV1(0x72, multihash).toString(base36))
        assert.deepEqual(fromRoutingKey(name.routingKey), name)
      }),
    )
  })

  it('is not made of what is none: an Error, and never a name that reads back as another', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }),
          fc.string().map((text) => Buffer.from(`/ipns/${text}`)),
        ),
        (bytes) => {
          const name = outcome(() => fromRoutingKey(bytes), isA(Error))
          if (name !== undefined)
            assert.deepEqual(
              Buffer.from(fromRoutingKey(name.routingKey).text),
              Buffer.from(name.text),
            )
        },
      ),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^k51[0-9a-z]{0,80}$/)), (text) => {
        const name = outcome(() => ipnsName(text), isA(Error))
        if (name !== undefined) assert.deepEqual(fromRoutingKey(name.routingKey), name)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('an IPNS record from a stranger (properties)', () => {
  let key: PrivateKey
  let good: Uint8Array
  before(async () => {
    key = await makeKey()
    good = await signed({})
  })

  function signed(
    changes: Partial<{ value: string; sequence: bigint; ttl: number; addresses: string[] }>,
  ): Promise<Uint8Array> {
    const content = { value: EMPTY_DIRECTORY, sequence: 1n, ttl: 60_000, addresses: [], ...changes }
    return signRecord(key, { ...content, lifetime: LIFETIME, now: Date.now() })
  }

  const refused = isA(InvalidRecordError)

  it('reads as it was signed, whatever it says', async () => {
    const address = fc.oneof(fc.string({ maxLength: 300 }), fc.constant('/ip4/10.0.0.1/tcp/1'))
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          value: root.map(valueOf),
          sequence,
          ttl: fc.nat(),
          addresses: fc.array(address, { maxLength: 12 }),
        }),
        async (content) => {
          fc.pre(content.addresses.every((text) => text.isWellFormed()))
          const record = await laterOutcome(
            async () => readRecord(nameOf(key), await signed(content), keychain),
            refused,
          )
          if (record === undefined) return
          assert.equal(record.value, content.value)
          assert.equal(record.sequence, content.sequence)
          assert.equal(record.ttl, Math.min(content.ttl, 300_000))
          const kept = content.addresses.slice(0, 8).filter(({ length }) => length <= 256)
          assert.deepEqual(record.addresses, kept)
        },
      ),
    )
  })

  it('is refused or says the same when bytes of it are changed, left out, or put in', async () => {
    const change = fc.record({
      at: fc.nat(),
      remove: fc.nat(3),
      put: fc.uint8Array({ maxLength: 3 }),
    })
    const whole = await readRecord(nameOf(key), good, keychain)
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let bytes = Buffer.from(good)
        for (const { at, remove, put } of changes) {
          const start = at % (bytes.length + 1)
          bytes = Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + remove)])
        }
        const record = await laterOutcome(() => readRecord(nameOf(key), bytes, keychain), refused)
        if (record !== undefined)
          assert.deepEqual({ ...record, bytes: good }, { ...whole, bytes: good })
      }),
      { numRuns: 500 },
    )
  })

  it('is refused or read when its fields hold anything, though it is signed', async () => {
    const prefix = Buffer.from('ipns-signature:')
    const field = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom('2027-01-01T00:00:00.000000000Z', '9999-99-99', '')
        .map((text) => Buffer.from(text)),
      fc.integer(),
      fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n),
      fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 12 }),
      fc.constantFrom(null, true, { a: 1 }),
    )
    const names = ['Value', 'Validity', 'ValidityType', 'Sequence', 'TTL', '_addrs', '__proto__']
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), field), async (fields) => {
        const data = outcome(() => encode(fields), isA(Error))
        if (data === undefined) return
        const signatureV2 = await key.sign(Buffer.concat([prefix, data]))
        const bytes = IPNSEntry.encode({
          ...IPNSEntry.decode(good),
          data: Uint8Array.from(data),
          signatureV2,
        })
        const record = await laterOutcome(() => readRecord(nameOf(key), bytes, keychain), refused)
        if (record !== undefined) checkRecord(record)
      }),
      { numRuns: 300 },
    )
  })

  it('is refused when it is any bytes at all', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ size: '+2' })),
        async (bytes) => {
          assert.equal(
            await laterOutcome(() => readRecord(nameOf(key), bytes, keychain), refused),
            undefined,
          )
        },
      ),
    )
  })
})

function checkRecord(record: IpnsRecord): void {
  assert.ok(
    record.sequence >= 0n && !Number.isNaN(record.validUntil) && typeof record.value === 'string',
  )
  assert.ok(record.ttl >= 0 && record.ttl <= 300_000)
  assert.ok(record.addresses.length <= 8 && record.addresses.every((text) => text.length <= 256))
}

describe('the ruling on a record (properties)', () => {
  it('never moves a name back, nor to another root under the same sequence, nor for ever', () => {
    const now = Date.now()
    const record = fc.record({
      bytes: fc.constant(new Uint8Array()),
      value: fc.oneof(root.map(valueOf), fc.string()),
      sequence: fc.oneof(fc.bigInt(0n, 3n), sequence),
      validUntil: fc.integer({ min: now - MAX_VALIDITY, max: now + 2 * MAX_VALIDITY }),
      ttl: fc.nat(300_000),
      addresses: fc.constant([]),
    })
    const floor = fc.option(fc.record({ sequence: fc.bigInt(0n, 3n), root }), { nil: undefined })
    fc.assert(
      fc.property(record, floor, (given, known) => {
        const ruling = ruleOn(given, known, now)
        if (ruling.kind === 'newer')
          assert.ok(known === undefined || given.sequence > known.sequence)
        if (ruling.kind === 'same')
          assert.ok(known?.root.equals(ruling.root) && known.sequence === given.sequence)
        if (ruling.kind === 'newer' || ruling.kind === 'same') {
          assert.ok(given.validUntil > now && given.validUntil <= now + MAX_VALIDITY)
          assert.equal(valueOf(ruling.root), given.value)
        }
        if (known !== undefined && given.sequence < known.sequence)
          assert.equal(ruling.kind, 'older')
      }),
      { numRuns: 1000 },
    )
  })
})
