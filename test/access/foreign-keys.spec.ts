import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT, exportJWK } from 'jose'
import { readToken } from '../../src/access/token-check.ts'
import { ALGORITHMS, readTokenKeys } from '../../src/access/token-keys.ts'
import type { KeyObject } from 'node:crypto'

const named = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const unnamed = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })

describe("another token service's keys", () => {
  let directory = ''
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliport-keys-'))
    const keys = [{ ...(await exportJWK(named.publicKey)), kid: 'one' }]
    await writeFile(join(directory, 'set.json'), JSON.stringify({ keys }))
    const pem = unnamed.publicKey.export({ type: 'spki', format: 'pem' })
    await writeFile(join(directory, 'key.pem'), pem)
  })
  after(() => rm(directory, { recursive: true, force: true }))

  const subject = async (alg: string, kid: string | undefined, key: KeyObject) => {
    const token = await new SignJWT({})
      .setProtectedHeader(kid === undefined ? { alg } : { alg, kid })
      .setIssuer('i')
      .setAudience('s')
      .setSubject('alice')
      .setExpirationTime('5m')
      .sign(key)
    const rules = {
      key: await readTokenKeys(['set.json', 'key.pem'].map((name) => join(directory, name))),
      algorithms: ALGORITHMS,
      issuer: 'i',
      audience: 's',
      now: Date.now,
    }
    return (await readToken([`Bearer ${token}`], rules))?.subject
  }

  it('are found by their names, and without one', async () => {
    assert.equal(await subject('ES256', 'one', named.privateKey), 'alice')
    assert.equal(await subject('ES256', undefined, named.privateKey), 'alice')
    assert.equal(await subject('RS256', undefined, unnamed.privateKey), 'alice')
  })

  it('in PEM have no name, whatever the service calls them', async () => {
    assert.equal(await subject('RS256', 'ABCD:EFGH', unnamed.privateKey), 'alice')
  })

  const wrong: [what: string, alg: string, kid: string | undefined, key: KeyObject][] = [
    ['another key', 'ES256', 'one', other.privateKey],
    ['another key of another name', 'ES256', '../../etc/passwd', other.privateKey],
    ['a known key under another name', 'ES256', 'two', named.privateKey],
    ['a key of another kind under a known name', 'RS256', 'one', other.privateKey],
  ]
  for (const [what, alg, kid, key] of wrong) {
    it(`do not prove what is signed with ${what}`, async () => {
      const kind =
        alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey : key
      await assert.rejects(subject(alg, kid, kind), { code: 'UNAUTHORIZED' })
    })
  }
})
