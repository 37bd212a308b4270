import assert from 'node:assert/strict'
import { CID } from 'multiformats/cid'
import { sha512 } from 'multiformats/hashes/sha2'
import { MAX_VALIDITY, ruleOn } from '../../src/naming/record-policy.ts'
import { rootOf } from '../../src/naming/root-value.ts'
import { rootNumber } from './support.ts'
import type { IpnsRecord } from '../../src/naming/record.ts'

const NOW = 1_000_000

describe('a mirror takes', () => {
  let [a, b]: CID[] = []
  before(async () => {
    ;[a, b] = [await rootNumber(1), await rootNumber(2)]
  })

  function rule(sequence: bigint, value: string, validUntil = NOW + 1000) {
    const record: IpnsRecord = {
      sequence,
      value,
      validUntil,
      bytes: new Uint8Array(0),
      ttl: 0,
      addresses: [],
    }
    return ruleOn(record, { sequence: 5n, root: a as CID }, NOW).kind
  }

  it('what is newer', () => assert.equal(rule(6n, `/ipfs/${b}`), 'newer'))
  it('a higher sequence for the same root', () => assert.equal(rule(6n, `/ipfs/${a}`), 'newer'))
  it('what it knows', () => assert.equal(rule(5n, `/ipfs/${a}`), 'same'))
  it('nothing older, whatever it says', () => assert.equal(rule(4n, '/ipns/loop'), 'older'))
  it('not a second root for one sequence', () => assert.equal(rule(5n, `/ipfs/${b}`), 'refused'))
  it('nothing that has expired', () => assert.equal(rule(6n, `/ipfs/${b}`, NOW), 'refused'))
  it('no alarm from a late copy of what it knows', () =>
    assert.equal(rule(5n, `/ipfs/${a}`, NOW), 'older'))
  it('nothing that is valid for ever', () =>
    assert.equal(rule(6n, `/ipfs/${b}`, NOW + MAX_VALIDITY + 1), 'refused'))

  const values: Array<[string, string]> = [
    ['another name', '/ipns/k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8'],
    ['a domain', '/ipns/example.org'],
    ['a path', '/ipfs/QmTgqnhFBMkfT9s8PHKcdXBn1f5bG3Q5hmBaR4U6hoTvb1/docker'],
    ['a path upwards', '/ipfs/QmTgqnhFBMkfT9s8PHKcdXBn1f5bG3Q5hmBaR4U6hoTvb1/..'],
    ['nothing', ''],
    ['a bare CID', 'QmTgqnhFBMkfT9s8PHKcdXBn1f5bG3Q5hmBaR4U6hoTvb1'],
    ['no CID', '/ipfs/hello'],
    ['a raw block', '/ipfs/bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'],
    ['dag-cbor', '/ipfs/bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'],
    ['9 KiB', `/ipfs/${'b'.repeat(9000)}`],
    ['a line break', '/ipfs/QmTgqnhFBMkfT9s8PHKcdXBn1f5bG3Q5hmBaR4U6hoTvb1\n'],
  ]
  for (const [what, value] of values) {
    it(`no record that points to ${what}`, () => assert.equal(rule(6n, value), 'refused'))
  }

  it('no root under another hash', async () => {
    const cid = CID.createV1(0x70, await sha512.digest(new Uint8Array(1)))
    assert.equal(rule(6n, `/ipfs/${cid.toString()}`), 'refused')
  })

  it('a root in the old form, as the same root', () => {
    const old = 'QmTgqnhFBMkfT9s8PHKcdXBn1f5bG3Q5hmBaR4U6hoTvb1'
    assert.equal(rootOf(`/ipfs/${old}`)?.toString(), CID.parse(old).toV1().toString())
  })
})
