import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { KeySet } from '../../../src/registry/signatures/key-set.ts'
import { KeyError, PublicKey } from '../../../src/registry/signatures/public-key.ts'
import { Signer } from './forge.ts'

const spki = { type: 'spki', format: 'pem' } as const
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })

describe('a public key', () => {
  const wrong: [what: string, pem: string, why: RegExp][] = [
    ['nothing', '', /no PEM/],
    [
      'a private key',
      p256.privateKey.export(pkcs8).toString(),
      /private key, which has no place here/,
    ],
    [
      'a private key after a public one',
      p256.publicKey.export(spki).toString() + p256.privateKey.export(pkcs8).toString(),
      /private key/,
    ],
    [
      'the private key of cosign',
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n',
      /private key/,
    ],
    [
      'a certificate',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /a "CERTIFICATE"/,
    ],
    ['two keys', new Signer().pem + new Signer().pem, /2 PEM blocks/],
    ['rubbish', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', /cannot be read/],
    ['a short RSA key', rsa(1024).publicKey.export(spki).toString(), /RSA key of 1024 bits/],
    [
      'another curve',
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export(spki).toString(),
      /EC key on secp256k1/,
    ],
    [
      'Ed25519',
      generateKeyPairSync('ed25519').publicKey.export(spki).toString(),
      /of type ed25519: use ECDSA on P-256/,
    ],
    [
      'a key that only agrees',
      generateKeyPairSync('x25519').publicKey.export(spki).toString(),
      /of type x25519/,
    ],
  ]
  for (const [what, pem, why] of wrong)
    it(`is not ${what}`, () =>
      assert.throws(
        () => PublicKey.parse(pem),
        (error) => {
          assert.ok(error instanceof KeyError)
          assert.match(error.message, why)
          return true
        },
      ))

  it('verifies what its private half signed, in its own way only', async () => {
    const bytes = Buffer.from('something')
    const { privateKey, publicKey } = rsa(2048)
    const keys = new KeySet([PublicKey.parse(publicKey.export(spki).toString())])
    assert.ok(await keys.verify(bytes, sign('sha256', bytes, privateKey)))
    assert.ok(!(await keys.verify(bytes, sign('sha512', bytes, privateKey))))
    const pss = sign('sha256', bytes, { key: privateKey, padding: 6 })
    assert.ok(!(await keys.verify(bytes, pss)))
    const raw = sign('sha256', bytes, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' })
    const ecdsa = new KeySet([PublicKey.parse(p256.publicKey.export(spki).toString())])
    assert.ok(!(await ecdsa.verify(bytes, raw)))
    assert.ok(await ecdsa.verify(bytes, sign('sha256', bytes, p256.privateKey)))
  })

  it('makes the same set in any order, also when it is there twice', () => {
    const [a, b] = [new Signer().pem, new Signer().pem].map((pem) => PublicKey.parse(pem))
    assert.ok(a && b)
    assert.equal(new KeySet([a, b]).id, new KeySet([b, a, b]).id)
    assert.notEqual(new KeySet([a]).id, new KeySet([b]).id)
  })
})
