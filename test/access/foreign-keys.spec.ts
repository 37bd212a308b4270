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

const more = [named, other, generateKeyPairSync('ec', { namedCurve: 'P-256' })]

describe("another token service's keys", () => {
  let directory = ''
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliport-keys-'))
    const keys = [{ ...(await exportJWK(named.publicKey)), kid: 'one' }]
    await writeFile(join(directory, 'set.json'), JSON.stringify({ keys }))
    const pem = unnamed.publicKey.export({ type: 'spki', format: 'pem' })
    await writeFile(join(directory, 'key.pem'), pem)
    const pems = more.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }))
    await writeFile(join(directory, 'several.pem'), pems.join(''))
    const jwks = await Promise.all(more.map(({ publicKey }) => exportJWK(publicKey)))
    const same = jwks.map((jwk) => ({ ...jwk, kid: 'all' }))
    await writeFile(join(directory, 'same.json'), JSON.stringify({ keys: same }))
    await writeFile(join(directory, 'many.pem'), String(pems[0]).repeat(33))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  const subject = async (
    alg: string,
    kid: string | undefined,
    key: KeyObject,
    files = ['set.json', 'key.pem'],
  ) => {
    const token = await new SignJWT({})
      .setProtectedHeader(kid === undefined ? { alg } : { alg, kid })
      .setIssuer('i')
      .setAudience('s')
      .setSubject('alice')
      .setExpirationTime('5m')
      .sign(key)
    const rules = {
      key: await readTokenKeys(files.map((name) => join(directory, name))),
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

  it('are all tried where several of one kind have no name, or the same one', async () => {
    for (const { privateKey } of more) {
      for (const kid of [undefined, 'some'])
        assert.equal(await subject('ES256', kid, privateKey, ['several.pem']), 'alice')
      assert.equal(await subject('ES256', 'all', privateKey, ['same.json']), 'alice')
      assert.equal(await subject('ES256', undefined, privateKey, ['same.json']), 'alice')
    }
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (const [kid, file] of [
      [undefined, 'several.pem'],
      ['some', 'several.pem'],
      ['all', 'same.json'],
    ] as const)
      await assert.rejects(subject('ES256', kid, privateKey, [file]), { code: 'UNAUTHORIZED' })
  })

  it('are at most 32, for each may have to be tried', async () => {
    await assert.rejects(readTokenKeys([join(directory, 'many.pem')]), /33 keys, and at most 32/)
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
