import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { digestOf, tryParseDigest } from '../../src/oci/digest.ts'
import { fromBase64 } from '../../src/registry/signatures/base64.ts'
import { isBundle, isSignedBundle } from '../../src/registry/signatures/bundle.ts'
import { isSignedEnvelope, preAuthEncoding } from '../../src/registry/signatures/dsse.ts'
import { readServed } from '../../src/registry/signatures/evidence.ts'
import { at, listAt, readObject } from '../../src/registry/signatures/json-object.ts'
import { KeySet } from '../../src/registry/signatures/key-set.ts'
import { KeyError, PublicKey } from '../../src/registry/signatures/public-key.ts'
import { SignedBook } from '../../src/registry/signatures/signed-book.ts'
import { isSignedPayload } from '../../src/registry/signatures/simple-signing.ts'
import { OTHER_DIGEST, Signer, claim, statement } from '../registry/signatures/forge.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { mutate, mutations } from './mutations.ts'
import { bounded, isA, outcome } from './properties.ts'
import type { Digest } from '../../src/oci/digest.ts'

const signer = new Signer()
const thing = Buffer.from('what is signed')
const digest = digestOf(thing)
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
)

/** Other bytes, flipped, cut or with something put in. */
const damaged = (bytes: Buffer): fc.Arbitrary<Buffer> =>
  fc
    .array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(9)), {
      minLength: 1,
      maxLength: 3,
    })
    .map((faults) =>
      faults.reduce((text, [place, bits, kind]) => {
        const where = place % Math.max(1, text.length)
        if (kind === 0) return text.subarray(0, where)
        if (kind === 1) return Buffer.concat([text.subarray(0, where), text.subarray(where + 1)])
        const copy = Buffer.from(text)
        copy[where] = (copy[where] ?? 0) ^ bits
        return copy
      }, bytes),
    )

describe('base64 of signatures (properties)', () => {
  it('is read as it was written, and anything else is nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const read = fromBase64(Buffer.from(bytes).toString('base64'))
        assert.deepEqual(read && Buffer.from(read), Buffer.from(bytes))
      }),
    )
    const anything = fc.oneof(
      fc.string({ unit: fc.constantFrom(...Array.from('AZaz09+/=-_ \n')) }),
      fc.anything(),
    )
    fc.assert(
      fc.property(anything, (text) => {
        const read = fromBase64(text)
        if (read === undefined) return
        assert.ok(typeof text === 'string' && read.length > 0)
        assert.equal(read.length, Buffer.from(text, 'base64').length)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('objects of signatures (properties)', () => {
  it('are as strict as manifests, and nothing of a prototype is found in them', () => {
    fc.assert(
      fc.property(anyBytes, fc.array(fc.string({ maxLength: 9 })), (bytes, path) => {
        const object = readObject(bytes)
        if (object !== undefined) assert.ok(!Array.isArray(object))
        void at(object, ...path)
        assert.ok(Array.isArray(listAt(object, ...path)))
        for (const key of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
          if (object === undefined || !Object.hasOwn(object, key))
            assert.equal(at(object, key), undefined)
      }),
    )
  })

  it('are manifests that we serve, or none', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const manifest = readServed(digest, bytes)
        if (manifest !== undefined) assert.equal(manifest.bytes, bytes)
      }),
    )
  })
})

describe('a signature with faults (properties)', () => {
  const signedPayload = signer.payload(claim(digest))
  const signature = signedPayload.annotations?.['dev.cosignproject.cosign/signature'] ?? ''
  const bundle = Buffer.from(signer.bundle(statement(digest)).bytes)
  const parsed = JSON.parse(bundle.toString()) as { dsseEnvelope: { payload: string } }

  it('proves nothing but what was signed, whatever was done to its payload', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(Buffer.from(signedPayload.bytes)), async (bytes) => {
        const isSigned = await isSignedPayload(bytes, signature, digest, signer.keys)
        assert.equal(isSigned, bytes.equals(Buffer.from(signedPayload.bytes)))
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.anything(), fc.base64String()), async (other) => {
        const { bytes } = signedPayload
        assert.ok(
          !(await isSignedPayload(bytes, other, digest, signer.keys)) || other === signature,
        )
      }),
    )
  })

  it('of any payload that its key did sign proves only what that says', async () => {
    const payloads = fc.oneof(
      fc
        .tuple(fc.constant(claim(digest)), mutations)
        .map(([value, faults]) => mutate(value, faults)),
      anyBytes,
    )
    await fc.assert(
      fc.asyncProperty(payloads, async (bytes) => {
        const layer = signer.payload(Buffer.from(bytes).toString('latin1'))
        const good = layer.annotations?.['dev.cosignproject.cosign/signature']
        const isSigned = await isSignedPayload(layer.bytes, good, digest, signer.keys)
        assert.ok(!(await isSignedPayload(layer.bytes, good, OTHER_DIGEST, signer.keys)))
        if (isSigned) assert.ok(Buffer.from(layer.bytes).includes(digest))
      }),
      { numRuns: 200 },
    )
  })

  it('in a bundle is a yes or no, and a yes only with the statement that was signed', async () => {
    const bundles = fc.oneof(
      { weight: 3, arbitrary: mutations.map((faults) => mutate(parsed, faults)) },
      { weight: 3, arbitrary: damaged(bundle) },
      { weight: 1, arbitrary: anyBytes },
    )
    await fc.assert(
      fc.asyncProperty(bundles, async (bytes) => {
        const isSigned = await isSignedBundle(bytes, { digest, bytes: thing }, signer.keys)
        const other = { digest: OTHER_DIGEST, bytes: Buffer.from('other') }
        assert.equal(await isSignedBundle(bytes, other, signer.keys), false)
        if (!isSigned) return
        const read = readObject(bytes)
        assert.ok(isBundle(at(read, 'mediaType')))
        assert.deepEqual(
          fromBase64(at(read, 'dsseEnvelope', 'payload')),
          fromBase64(parsed.dsseEnvelope.payload),
        )
      }),
      { numRuns: 600 },
    )
  })

  it('in an envelope is looked for in anything, without a fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.anything(), fc.jsonValue()), async (envelope) => {
        assert.equal(await isSignedEnvelope(envelope, digest, signer.keys), false)
      }),
    )
  })
})

describe('what is signed in place of a payload (properties)', () => {
  it('tells its type and payload apart, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.uint8Array(), (type, payload) => {
        const encoded = Buffer.from(preAuthEncoding(type, payload))
        const [head, length = ''] = /^DSSEv1 (\d+) /.exec(encoded.toString('latin1')) ?? []
        const start = head?.length ?? 0
        const end = start + Number(length)
        assert.equal(encoded.toString('latin1', start, end), type)
        const [more = '', size] = /^ (\d+) /.exec(encoded.toString('latin1', end)) ?? []
        assert.equal(Number(size), payload.length)
        assert.deepEqual(encoded.subarray(end + more.length), Buffer.from(payload))
      }),
    )
  })
})

describe('public keys (properties)', () => {
  const kinds = [
    generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ]
  const wrap = (der: Uint8Array, width = 64, end = '\n'): string => {
    const lines =
      Buffer.from(der)
        .toString('base64')
        .match(new RegExp(`.{1,${width}}`, 'g')) ?? []
    return ['-----BEGIN PUBLIC KEY-----', ...lines, '-----END PUBLIC KEY-----', ''].join(end)
  }

  for (const { publicKey, privateKey } of kinds) {
    const kind = publicKey.asymmetricKeyType
    const der = publicKey.export({ type: 'spki', format: 'der' })
    const message = Buffer.from('message')
    const signature = sign('sha256', message, privateKey)

    it(`${kind}: damaged is a KeyError, or a key that verifies or does not`, async () => {
      await fc.assert(
        fc.asyncProperty(
          damaged(der).filter((bytes) => !bytes.equals(der)),
          async (bytes) => {
            const key = outcome(() => PublicKey.parse(wrap(bytes)), isA(KeyError))
            if (key === undefined) return
            assert.match(key.fingerprint, /^[0-9a-f]{64}$/)
            assert.equal(typeof (await new KeySet([key]).verify(message, signature)), 'boolean')
          },
        ),
        { numRuns: 300 },
      )
    })

    it(`${kind}: is the same key however its lines are, and verifies what it signed alone`, async () => {
      const { fingerprint } = PublicKey.parse(wrap(der))
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 4, max: 76 }).map((width) => width - (width % 4)),
          fc.constantFrom('\n', '\r\n'),
          fc.uint8Array({ maxLength: 40 }),
          async (width, end, bytes) => {
            const key = PublicKey.parse(wrap(der, width, end))
            assert.equal(key.fingerprint, fingerprint)
            assert.ok(await key.verify(bytes, sign('sha256', bytes, privateKey)))
            assert.ok(!(await key.verify(Buffer.concat([bytes, Buffer.from('x')]), signature)))
          },
        ),
        { numRuns: 50 },
      )
    })

    it(`${kind}: takes anything for a signature, and says no`, async () => {
      const key = PublicKey.parse(wrap(der))
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            damaged(signature).filter((bytes) => !bytes.equals(signature)),
            fc.uint8Array({ maxLength: 1100 }),
          ),
          async (bytes) => assert.equal(await key.verify(message, bytes), false),
        ),
        { numRuns: 300 },
      )
    })
  }

  it('are refused as text of any kind with a KeyError, in little time', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom(
            ...['-----BEGIN PUBLIC KEY-----', '-----END PUBLIC KEY-----', '\n', 'AAAA', '-----'],
            ...['-----BEGIN EC PRIVATE KEY-----', ' ', '-----BEGIN ', 'A'.repeat(20_000)],
          ),
          { maxLength: 8 },
        )
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (pem) =>
        assert.equal(
          bounded(() => outcome(() => PublicKey.parse(pem), isA(KeyError))),
          undefined,
        ),
      ),
      { numRuns: 500 },
    )
  })
})

describe('the book of what was found signed (properties)', () => {
  const digests = fc.array(
    fc.string().map((text) => digestOf(Buffer.from(text))),
    { maxLength: 5 },
  )

  it('is read again as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(fc.string(), digests), { maxLength: 6 }),
        async (all) => {
          const map = new MemoryMap()
          const keys = new Set(['k'])
          const written = await SignedBook.open(map, keys)
          for (const [text, children] of all)
            await written.add('k', digestOf(Buffer.from(text)), children)
          const read = await SignedBook.open(map, keys)
          const asked: Digest[] = all.flatMap(([text, children]) => [
            digestOf(Buffer.from(text)),
            ...children,
          ])
          for (const each of asked)
            assert.equal(read.standing('k', each), written.standing('k', each), each)
        },
      ),
    )
  })

  it('has no one signed by what else may stand there', async () => {
    const key = fc.oneof(
      fc.string(),
      fc.string().map((text) => `k/${text}`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(key, anyBytes), { maxLength: 6 }), async (all) => {
        const map = new MemoryMap()
        for (const [text, value] of all) await map.put(text, value)
        const book = await SignedBook.open(map, new Set(['k']))
        assert.equal(book.standing('k', digest), undefined)
        assert.equal(tryParseDigest(digest), digest)
      }),
    )
  })
})
