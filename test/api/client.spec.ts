import assert from 'node:assert/strict'
import fc from 'fast-check'
import { AddressRanges } from '../../src/api/address-ranges.ts'
import { addressKey } from '../../src/oci/address-key.ts'
import { clientOf } from '../../src/api/client.ts'
import { startApi } from '../support/http.ts'
import type { IncomingMessage } from 'node:http'

const TRUSTED = new AddressRanges([
  { address: '10.0.0.0', prefix: 8 },
  { address: 'fd00::', prefix: 8 },
])

/** A request as Node shows it, from a peer, with headers of which Node has joined those that came twice. */
function from(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  const headersDistinct = { host: [headers['host'] ?? 'registry.example'] }
  return { socket: { remoteAddress }, headers, headersDistinct } as unknown as IncomingMessage
}

const PROXY = '10.0.0.1'
const of = (peer: string, headers: Record<string, string>) => clientOf(from(peer, headers), TRUSTED)
const address = (list: string, peer = PROXY) => of(peer, { 'x-forwarded-for': list }).address

describe('api: who a client is behind proxies', () => {
  it('is the peer, whatever it says, when it is no trusted proxy', () => {
    const lies = {
      'x-forwarded-for': '192.0.2.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
    }
    assert.deepEqual(of('198.51.100.1', lies), {
      address: '198.51.100.1',
      protocol: 'http',
      host: 'registry.example',
      isForwarded: true,
    })
    assert.equal(of('198.51.100.1', {}).isForwarded, false)
    assert.equal(address('192.0.2.9', '::ffff:198.51.100.1'), '198.51.100.1')
  })

  const rows: [what: string, list: string, address: string][] = [
    ['one address', '192.0.2.9', '192.0.2.9'],
    ['what it made up left of it', '1.1.1.1, 127.0.0.1, 192.0.2.9', '192.0.2.9'],
    ['two proxies', '192.0.2.9, 10.2.2.2', '192.0.2.9'],
    ['only proxies', '10.3.3.3, 10.2.2.2', '10.3.3.3'],
    ['a port', '192.0.2.9:4711', '192.0.2.9'],
    ['IPv6', '2001:DB8::1', '2001:db8::1'],
    ['IPv6 with a port', '[2001:db8::1]:4711', '2001:db8::1'],
    ['IPv4 in IPv6', '::ffff:192.0.2.9', '192.0.2.9'],
    ['no address', 'unknown', PROXY],
    ['no address behind a proxy', 'unknown, 10.2.2.2', '10.2.2.2'],
    ['nothing', '', PROXY],
    ['commas', ',,,', PROXY],
    ['an end that is empty', '192.0.2.9,', PROXY],
    ['a bracket', '[', PROXY],
    ['a zone', 'fe80::1%eth0', PROXY],
  ]
  for (const [what, list, expected] of rows)
    it(`is ${expected} where the proxy says ${what}`, () => assert.equal(address(list), expected))

  it('is found in a moment in the longest header there can be', () => {
    for (const part of ['10.1.1.1,', ',', '[', ':', ' ', 'a.'])
      for (let i = 0; i < 100; i++) address(part.repeat(16_000 / part.length))
    assert.equal(address(`192.0.2.9,${'10.1.1.1,'.repeat(1000)}10.1.1.1`), '10.1.1.1')
  })

  it('is always an address, whatever is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        assert.match(address(text), /^[\d.:a-f]+$/)
      }),
    )
  })

  it('has called us what the proxy says', () => {
    const told = (headers: Record<string, string>) => {
      const { protocol, host } = of(PROXY, headers)
      return [protocol, host]
    }
    const name = 'hub.example'
    assert.deepEqual(told({ 'x-forwarded-proto': 'HTTPS', 'x-forwarded-host': name }), [
      'https',
      name,
    ])
    assert.deepEqual(told({ 'x-forwarded-proto': 'gopher' }), ['http', 'registry.example'])
    const chain = { 'x-forwarded-for': '192.0.2.9, 10.2.2.2' }
    assert.deepEqual(told({ ...chain, 'x-forwarded-proto': 'https, http' }), [
      'https',
      'registry.example',
    ])
    assert.deepEqual(told({ ...chain, 'x-forwarded-host': `evil, ${name}, inner` }), ['http', name])
  })

  it('counts in the check of hosts, in the log, and for nobody else', async () => {
    const loopback = { address: '127.0.0.1', prefix: 32 }
    const headers = {
      host: 'inner',
      'x-forwarded-for': '192.0.2.9',
      'x-forwarded-host': 'registry.example',
    }
    const trusting = await startApi({ hosts: ['registry.example'], trustProxy: [loopback] })
    const other = await startApi({ hosts: ['registry.example'] })
    try {
      assert.equal((await trusting.call('GET', '/v2/', { headers })).status, 200)
      assert.equal((await other.call('GET', '/v2/', { headers })).status, 403)
      const evil = { ...headers, 'x-forwarded-host': 'evil.example' }
      assert.equal((await trusting.call('GET', '/v2/', { headers: evil })).status, 403)
      const addresses = [...trusting.lines, ...other.lines].map((line) => line['address'])
      assert.deepEqual(new Set(addresses), new Set(['192.0.2.9', '127.0.0.1']))
    } finally {
      await Promise.all([trusting.close(), other.close()])
    }
  })
})

describe('api: what an address counts under', () => {
  const rows: [string, string][] = [
    ['192.0.2.9', '192.0.2.9'],
    ['::ffff:192.0.2.9', '192.0.2.9'],
    ['2001:DB8:1:02::9', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['64:ff9b::192.0.2.9', '64:ff9b:0:0::/64'],
  ]
  for (const [text, key] of rows)
    it(`is ${key} for ${text}`, () => assert.equal(addressKey(text), key))
})
