import assert from 'node:assert/strict'
import { join } from 'node:path'
import { parseAddressRange, parseTrustedRange } from '../../src/config/address-range.ts'
import { InvalidValue } from '../../src/config/value.ts'
import { load, problems } from './support.ts'

describe('configuration of TLS, proxies and limits', () => {
  const good: [string, string, number][] = [
    ['192.0.2.7', '192.0.2.7', 32],
    ['10.0.0.0/8', '10.0.0.0', 8],
    ['::1', '::1', 128],
    ['FD00::/8', 'fd00::', 8],
  ]
  for (const [text, address, prefix] of good)
    it(`reads the range ${text}`, () => {
      assert.deepEqual(parseAddressRange(text), { address, prefix })
    })

  const bad = ['', '10.0.0/8', '10.0.0.0/33', '::/129', 'localhost', '10.0.0.0/8 ', '[::1]']
  for (const text of [...bad, '10.0.0.0/', '10.0.0.0/x', '::ffff:10.0.0.1', 'fe80::1%eth0'])
    it(`refuses the range ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseAddressRange(text), InvalidValue)
    })

  it('trusts nobody who could be everybody', () => {
    for (const text of ['0.0.0.0/0', '::/0'])
      assert.throws(() => parseTrustedRange(text), /list your proxies/)
  })

  it('takes the files of TLS as relative to its own', async () => {
    const { config } = await load('http: { tls: { certificate: c.pem, key: k.pem } }')
    const { certificate, key } = config.http.tls
    assert.ok(certificate?.endsWith('/c.pem') && key?.endsWith('/k.pem'))
    const other = await load('http: { tls: { certificate: c.pem } }', {
      REGISTRY_HTTP_TLS_KEY: '/srv/k.pem',
      REGISTRY_HTTP_TLS_MINVERSION: '1.3',
    })
    assert.equal(other.config.http.tls.key, join('/srv/k.pem'))
    assert.equal(other.config.http.tls.minVersion, 1.3)
  })

  it('refuses half of a pair, and versions that are broken', async () => {
    const half = (yaml: string) => problems(`http: { tls: { ${yaml} } }`)
    assert.match((await half('certificate: c.pem')).join(), /http\.tls\.key: is null/)
    assert.match((await half('key: k.pem')).join(), /http\.tls\.certificate: is null/)
    assert.match((await half('minVersion: 1.1')).join(), /may be 1\.2 or 1\.3/)
  })

  it('takes limits from the environment', async () => {
    const { config } = await load(undefined, {
      REGISTRY_LIMITS_ADDRESS_REQUESTS: '50',
      REGISTRY_LIMITS_ADDRESS_CONNECTIONS: '',
      REGISTRY_LIMITS_USER_DOWNLOADRATE: '5MiB',
      REGISTRY_LIMITS_EXEMPT: '[]',
    })
    const { address, user, exempt } = config.limits
    assert.deepEqual(
      [address.requests, address.connections, user.downloadRate, exempt],
      [50, null, 5 * 2 ** 20, []],
    )
  })

  it('takes numbers from the environment, and nothing else for one', async () => {
    const read = async (text: string) =>
      (await load(undefined, { REGISTRY_RETENTION_COMMITS: text })).config.retention.commits
    assert.equal(await read('500'), 500)
    for (const text of ['many', '-1', '1e3', '0x10', '1.5'])
      await assert.rejects(read(text), /REGISTRY_RETENTION_COMMITS/)
  })
})
