import assert from 'node:assert/strict'
import { rsaCrypto } from '@ipshipyard/crypto'
import { keychain as makeKeychain } from '@ipshipyard/keychain'
import { ipnsRecords } from '../../src/ipfs/ipns-records.ts'
import { signRecord } from '../../src/naming/record.ts'
import { LIFETIME, EMPTY_DIRECTORY, keychain, makeKey, nameOf } from '../naming/support.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { Datastore } from 'interface-datastore'

function sign(key: PrivateKey, sequence: bigint, now = Date.now()): Promise<Uint8Array> {
  const content = { value: EMPTY_DIRECTORY, sequence, lifetime: LIFETIME, ttl: 0, addresses: [] }
  return signRecord(key, { ...content, now })
}

describe('what our DHT keeps', () => {
  const rules = ipnsRecords(keychain)

  it("is a name's own record while it is valid", async () => {
    const [key, other] = [await makeKey(), await makeKey()]
    const { routingKey } = nameOf(key)
    await rules.validate(routingKey, await sign(key, 1n))
    await assert.rejects(rules.validate(routingKey, await sign(other, 1n)))
    await assert.rejects(rules.validate(routingKey, Buffer.from('junk')))
    await assert.rejects(rules.validate(routingKey, await sign(key, 1n, Date.now() - 2 * LIFETIME)))
  })

  it('is the newest of several', async () => {
    const key = await makeKey()
    const records = await Promise.all([3n, 7n, 5n].map((sequence) => sign(key, sequence)))
    assert.equal(rules.select(nameOf(key).routingKey, records), 1)
  })

  it('of a name that is a hash is only what the key with that hash signed', async () => {
    const rsa = rsaCrypto()
    const chain = makeKeychain()({ datastore: {} as Datastore, getCrypto: () => rsa })
    const [owner, forger] = [
      await rsa.generatePrivateKey({ bits: 2048 }),
      await rsa.generatePrivateKey({ bits: 2048 }),
    ]
    const { validate } = ipnsRecords(chain)
    const { routingKey } = nameOf(owner)
    await validate(routingKey, await sign(owner, 1n))
    await assert.rejects(validate(routingKey, await sign(forger, 1n)), /signed with another key/)
  })
})
