import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { CompactSign, SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { readToken } from '../../src/access/token-check.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import type { JWTHeaderParameters, JWTPayload } from 'jose'

const NOW = Date.parse('2026-11-30T12:00:00Z')
const SECONDS = NOW / 1000

const pair = await generateKeyPair('ES256', { extractable: true })
const other = await generateKeyPair('ES256', { extractable: true })

describe('access: tokens', () => {
  const rules = {
    key: pair.publicKey,
    algorithms: ['ES256'],
    issuer: 'us',
    audience: 'registry',
    now: () => NOW,
  }
  const good = { iss: 'us', aud: 'registry', sub: 'alice', exp: SECONDS + 60, nbf: SECONDS }
  const access = [{ type: 'repository', name: 'a', actions: ['pull'] }]
  const sign = (
    claims: JWTPayload = {},
    header: Partial<JWTHeaderParameters> = {},
    key = pair.privateKey,
  ) =>
    new SignJWT({ ...good, access, ...claims })
      .setProtectedHeader({ alg: 'ES256', ...header })
      .sign(key)
  const read = async (token: Promise<string> | string, ...more: string[]) =>
    readToken([`Bearer ${await token}`, ...more], rules)

  it('say who and what for', async () => {
    assert.deepEqual(await read(sign()), { subject: 'alice', access })
    for (const nobody of ['', null, undefined])
      assert.equal((await read(sign({ sub: nobody as string })))?.subject, undefined)
    assert.equal(await readToken([], rules), undefined)
  })

  it('that say nothing of what for are good for nothing', async () => {
    for (const odd of [undefined, 'all', {}, [null, 1, { type: 'repository', name: 'a' }]])
      assert.deepEqual((await read(sign({ access: odd })))?.access, [])
  })

  const parts = (header: object, payload: object = { ...good, access }): string =>
    [header, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')

  const bad: [string, () => Promise<string> | string][] = [
    ['no algorithm', () => `${parts({ alg: 'none' })}.`],
    ['no algorithm, and a signature', () => `${parts({ alg: 'none' })}.c2ln`],
    [
      'HMAC with the public key',
      async () => {
        const text = parts({ alg: 'HS256' })
        const mac = createHmac('sha256', await exportSPKI(pair.publicKey))
        return `${text}.${mac.update(text).digest('base64url')}`
      },
    ],
    [
      'its own key',
      async () => sign({}, { jwk: await exportJWK(other.publicKey) }, other.privateKey),
    ],
    [
      'the address of its key',
      () => sign({}, { jku: 'https://evil.example/keys' }, other.privateKey),
    ],
    ['its own certificate', () => sign({}, { x5c: ['MIIB'] })],
    ['the address of its certificate', () => sign({}, { x5u: 'https://evil.example/c' })],
    ['a key by a path', () => sign({}, { kid: '../../etc/passwd' }, other.privateKey)],
    ['the key of somebody else', () => sign({}, {}, other.privateKey)],
    [
      'another algorithm',
      () => {
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
        return new SignJWT(good).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
      },
    ],
    ['expired', () => sign({ exp: SECONDS - 60 })],
    ['without an end', () => sign({ exp: undefined } as never)],
    ['not valid yet', () => sign({ nbf: SECONDS + 60 })],
    ['for another registry', () => sign({ aud: 'elsewhere' })],
    ['of another service', () => sign({ iss: 'them' })],
    ['what must be understood', () => sign({}, { crit: ['x'], x: 1 }).catch(() => 'a.b.c')],
    ['1 MB', () => sign({ filler: 'x'.repeat(1_000_000) })],
    ['a thousand entries', () => sign({ access: Array.from({ length: 129 }, () => access[0]) })],
    ['for the number 0', () => sign({ sub: 0 as never })],
    ['for false', () => sign({ sub: false as never })],
    ['for a list', () => sign({ sub: [] as never })],
    ['for an object', () => sign({ sub: { name: 'alice' } as never })],
    [
      'a changed claim',
      async () =>
        (await sign()).replace(/\..*\./, `.${parts({}, { ...good, sub: 'bob' }).split('.')[1]}.`),
    ],
    [
      'no JSON',
      () =>
        new CompactSign(Buffer.from('hello'))
          .setProtectedHeader({ alg: 'ES256' })
          .sign(pair.privateKey),
    ],
    ['no token', () => 'hello'],
    ['rubbish in three parts', () => 'a.b.c'],
    ['a header that is a number', () => `${Buffer.from('1').toString('base64url')}.e30.c2ln`],
  ]
  for (const [what, make] of bad) {
    it(`are not valid: ${what} (B58)`, async () => {
      await assert.rejects(read(make()), (error) => isRegistryError(error, 'UNAUTHORIZED'))
    })
  }

  it('are not valid twice, or under another scheme (B58)', async () => {
    await assert.rejects(read(sign(), 'Basic YTpi'), (error) =>
      isRegistryError(error, 'UNAUTHORIZED'),
    )
    const basic = readToken([`Basic ${await sign()}`], rules)
    await assert.rejects(basic, (error) => isRegistryError(error, 'UNAUTHORIZED'))
  })
})
