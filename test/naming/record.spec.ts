import assert from 'node:assert/strict'
import { IPNSEntry } from '@helia/ipns'
import { rsaCrypto } from '@ipshipyard/crypto'
import { keychain as makeKeychain } from '@ipshipyard/keychain'
import { InvalidRecordError, hasExpired, readRecord, signRecord } from '../../src/naming/record.ts'
import { EMPTY_DIRECTORY, LIFETIME, keychain, makeKey, makeRecord, nameOf } from './support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { Datastore } from 'interface-datastore'

describe('a record', () => {
  let key: PrivateKey
  before(async () => {
    key = await makeKey()
  })

  it('comes back as it was signed', async () => {
    const now = Date.now()
    const addresses = [
      '/ip4/10.0.0.1/tcp/4001/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8',
    ]
    const record = await makeRecord(key, {
      value: EMPTY_DIRECTORY,
      sequence: 7n,
      ttl: 60_000,
      addresses,
      now,
    })
    assert.equal(record.value, EMPTY_DIRECTORY)
    assert.equal(record.sequence, 7n)
    assert.equal(record.validUntil, now + LIFETIME)
    assert.equal(record.ttl, 60_000)
    assert.deepEqual(record.addresses, addresses)
  })

  it('keeps a sequence beyond what a number can hold', async () => {
    assert.equal((await makeRecord(key, { sequence: 2n ** 64n - 1n })).sequence, 2n ** 64n - 1n)
  })

  it('cannot keep us from asking for more than five minutes', async () => {
    assert.equal((await makeRecord(key, { ttl: 50 * 365 * 24 * 3600_000 })).ttl, 5 * 60_000)
    assert.equal((await makeRecord(key, { ttl: 0 })).ttl, 0)
  })

  it('carries at most eight addresses', async () => {
    const addresses = Array.from({ length: 20 }, (_, i) => `/ip4/10.0.0.${i}/tcp/1`)
    assert.equal((await makeRecord(key, { addresses })).addresses.length, 8)
  })

  const bad: Array<[string, (bytes: Uint8Array, entry: IPNSEntry) => Uint8Array]> = [
    ['is empty', () => new Uint8Array(0)],
    ['is junk', () => Buffer.from('not a record')],
    ['is cut short', (bytes) => bytes.subarray(0, -5)],
    ['is over 10 KiB', (bytes) => Buffer.concat([bytes, Buffer.alloc(10_240)])],
    [
      'has no second signature',
      (_, { signatureV2: _signature, ...entry }) => IPNSEntry.encode(entry),
    ],
    [
      'has a false signature',
      (_, entry) => IPNSEntry.encode({ ...entry, signatureV2: new Uint8Array(64) }),
    ],
    ['has no signed data', (_, { data: _data, ...entry }) => IPNSEntry.encode(entry)],
    [
      'says another value in its old half',
      (_, entry) => IPNSEntry.encode({ ...entry, value: Buffer.from('/ipfs/other') }),
    ],
    [
      'says another sequence in its old half',
      (_, entry) => IPNSEntry.encode({ ...entry, sequence: 99n }),
    ],
  ]
  for (const [what, change] of bad) {
    it(`is refused when it ${what}`, async () => {
      const { bytes } = await makeRecord(key, {})
      const changed = change(bytes, IPNSEntry.decode(bytes))
      await assert.rejects(readRecord(nameOf(key), changed, keychain), InvalidRecordError)
    })
  }

  it('is refused under another name', async () => {
    const { bytes } = await makeRecord(await makeKey(), {})
    await assert.rejects(readRecord(nameOf(key), bytes, keychain), InvalidRecordError)
  })

  it('is read also when it has expired: it tells which sequence was used', async () => {
    const now = Date.now() - 1000
    const content = {
      value: EMPTY_DIRECTORY,
      sequence: 1n,
      lifetime: 500,
      ttl: 0,
      addresses: [],
      now,
    }
    const bytes = await signRecord(key, content)
    const record = await readRecord(nameOf(key), bytes, keychain)
    assert.deepEqual([record.sequence, hasExpired(record, Date.now())], [1n, true])
  })

  it('of a name that is a hash counts only with the key that has the hash', async () => {
    const rsa = rsaCrypto()
    const chain = makeKeychain()({ datastore: {} as Datastore, getCrypto: () => rsa })
    const [owner, forger] = [
      await rsa.generatePrivateKey({ bits: 2048 }),
      await rsa.generatePrivateKey({ bits: 2048 }),
    ]
    const content = {
      value: EMPTY_DIRECTORY,
      sequence: 1n,
      lifetime: LIFETIME,
      ttl: 0,
      addresses: [],
      now: Date.now(),
    }
    const name = nameOf(owner)
    assert.equal(
      (await readRecord(name, await signRecord(owner, content), chain)).value,
      EMPTY_DIRECTORY,
    )
    await assert.rejects(
      readRecord(name, await signRecord(forger, content), chain),
      /signed with another key/,
    )
  })
})
