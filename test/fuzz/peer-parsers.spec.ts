import assert from 'node:assert/strict'
import { join } from 'node:path'
import { ed25519Crypto } from '@ipshipyard/crypto'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { varint } from 'multiformats'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { isBlock, refuseForeign } from '../../src/ipfs/block-kinds.ts'
import { WireError, decodeMessage, encodeAnswer, readVarint } from '../../src/ipfs/bitswap/wire.ts'
import { openDatastore } from '../../src/ipfs/datastore.ts'
import { KeyError, RefusedBlockError, StartError } from '../../src/ipfs/errors.ts'
import { openKeys } from '../../src/ipfs/keys.ts'
import { loadSecret } from '../../src/ipfs/password.ts'
import { parsePeer } from '../../src/ipfs/peer-address.ts'
import { isDirect, isLoopback, scopesOf } from '../../src/ipfs/scope.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { bounded, isA, laterOutcome, outcome } from './properties.ts'

const bytes = fc.uint8Array({ maxLength: 200 })

/** A message without its length. */
function unframed(framed: Uint8Array): Uint8Array {
  return framed.subarray(readVarint(framed, 0)?.end)
}

describe('what peers send and are sent (properties)', () => {
  it('an answer of bitswap reads back as it was made', () => {
    const block = bytes.map((each) => ({ cid: cidFromHash(RAW, sha256(each)), bytes: each }))
    const presence = fc.record({
      cid: bytes.map((each) => cidFromHash(RAW, sha256(each))),
      has: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 8 }),
        fc.array(presence, { maxLength: 8 }),
        (blocks, presences) => {
          const message = decodeMessage(unframed(encodeAnswer(blocks, presences)))
          assert.deepEqual(
            message.blocks.map((each) => Buffer.from(each)),
            blocks.map((each) => Buffer.from(each.bytes)),
          )
          assert.deepEqual(
            message.presences.map(({ cid, has }) => [cid.toString(), has]),
            presences.map(({ cid, has }) => [cid.toString(), has]),
          )
        },
      ),
    )
  })

  it('a message of bitswap is read, or is a WireError, and costs little either way', () => {
    const entry = fc.constantFrom([0x0a, 0], [0x22, 0], [0x1a, 0], [0x0a, 2, 0x0a, 0], [0x10, 1])
    const made = fc
      .tuple(entry, fc.nat(20_000))
      .map(([pattern, count]) => Buffer.alloc(pattern.length * count, Buffer.from(pattern)))
    const inList = made.map((list) => {
      const head = varint.encodeTo(list.length, new Uint8Array(varint.encodingLength(list.length)))
      return Buffer.concat([Buffer.from([0x0a]), head, list])
    })
    fc.assert(
      fc.property(fc.oneof(bytes, made, inList), (message) => {
        const read = bounded(() => outcome(() => decodeMessage(message), isA(WireError)))
        if (read === undefined) return
        const count = read.wants.length + read.blocks.length + read.presences.length
        assert.ok(count <= 4096)
      }),
      { numRuns: 300 },
    )
  })

  it('a block is what hashes to its CID, and nothing else', () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        const cid = cidFromHash(RAW, sha256(one))
        assert.ok(isBlock(cid, one))
        assert.equal(isBlock(cid, other), Buffer.from(one).equals(other))
        assert.equal(
          outcome(() => refuseForeign(cid), isA(RefusedBlockError)),
          undefined,
        )
      }),
    )
  })

  it('a peer’s address is read, or refused in one line', () => {
    const part = fc.constantFrom(
      'ip4',
      '127.0.0.1',
      'tcp',
      '4001',
      'p2p',
      'p2p-circuit',
      'dns4',
      'x',
      '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8',
      '',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 9 }).map((parts) => `/${parts.join('/')}`),
    )
    fc.assert(
      fc.property(text, (given) => {
        const peer = outcome(() => parsePeer(given), isA(StartError))
        if (peer !== undefined) assert.ok(peer.address.toString().endsWith(`/p2p/${peer.id}`))
      }),
      { numRuns: 1000 },
    )
  })

  it('every address is in a scope or not, and loopback ones are in that of offline', () => {
    const host = fc.oneof(
      fc.ipV4().map((ip) => `/ip4/${ip}`),
      fc.ipV6().map((ip) => `/ip6/${ip}`),
      fc.domain().map((name) => `/dns4/${name}`),
    )
    fc.assert(
      fc.property(
        host,
        fc.constantFrom('/tcp/1', '/udp/1/quic-v1', '', '/tcp/1/ws'),
        (where, rest) => {
          const address = outcome(() => multiaddr(where + rest), isA(Error))
          if (address === undefined) return
          for (const mode of ['offline', 'lan', 'private', 'public'] as const) {
            const { dials, admits, tells } = scopesOf(mode)
            for (const scope of [dials, admits, tells])
              assert.equal(typeof scope(address), 'boolean')
          }
          assert.equal(scopesOf('offline').dials(address), isLoopback(address))
          if (isLoopback(address)) assert.ok(isDirect(address) && !where.startsWith('/dns'))
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('a private key from a file (properties)', () => {
  it('is imported and exported as it was, or refused with a KeyError', async () => {
    await using directory = await temporaryDirectory()
    const datastore = await openDatastore(join(directory.path, 'datastore'))
    try {
      const keys = await openKeys({
        datastore,
        secret: await loadSecret({ dataDir: directory.path }),
      })
      const good = (await ed25519Crypto().generatePrivateKey()).toProtobuf()
      const change = fc.record({
        at: fc.nat(good.length),
        remove: fc.nat(3),
        put: fc.uint8Array({ maxLength: 3 }),
      })
      const changed = change.map(({ at, remove, put }) =>
        Buffer.concat([good.subarray(0, at), put, good.subarray(at + remove)]),
      )
      const headed = fc
        .tuple(fc.constantFrom(0, 1, 2, 3), bytes)
        .map(([type, rest]) => Buffer.from([8, type, 18, rest.length, ...rest]))
      const name = fc.oneof(
        fc.constantFrom('k', 'self', '', '../x', 'k.importing', '0.', 'nul', 'aux.k'),
        fc.string({ maxLength: 70 }),
      )
      await fc.assert(
        fc.asyncProperty(
          name,
          fc.oneof(changed, headed, bytes, fc.constant(good)),
          async (under, file) => {
            const made = await laterOutcome(
              () => keys.import(under, file, { replace: true }),
              isA(KeyError),
            )
            if (made === undefined) return
            assert.equal(made.name, under)
            const again = await keys.export(under)
            assert.equal(
              (await keys.import(under, again, { replace: true })).ipnsName,
              made.ipnsName,
            )
          },
        ),
        { numRuns: 150 },
      )
    } finally {
      await datastore.close()
    }
  })
})
