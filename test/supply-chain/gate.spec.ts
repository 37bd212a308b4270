import assert from 'node:assert/strict'
import { gate, isAtLeast } from './gate.ts'
import { readLock } from './lock.ts'
import { readReport } from './registry-audit.ts'
import type { LockedPackage } from './lock.ts'

const INTEGRITY = `sha512-${'A'.repeat(86)}==`

/** What the gate says of a lock with one package more. */
function withPackage(name: string, locked: LockedPackage): string[] {
  const whole = { version: '1.0.0', integrity: INTEGRITY, license: 'MIT', ...locked }
  const packages = { '': {}, [`node_modules/a/node_modules/${name}`]: whole }
  return gate({ name: 'x', version: '1.0.0', lockfileVersion: 3, packages }, new Map())
}

describe('the dependency gate', () => {
  it('lets our own lock file through', async () => {
    assert.deepEqual(gate(await readLock(), new Map()), [])
  })

  it('lets a package through that breaks no rule', () => {
    assert.deepEqual(withPackage('fine', {}), [])
  })

  for (const [what, name, locked, why] of [
    ['too old', '@libp2p/gossipsub', { version: '15.0.22' }, /at least 15\.0\.23.*CVE-2026-46679/],
    ['too old', '@libp2p/crypto', { version: '5.1.21' }, /at least 5\.1\.22/],
    ['too old', '@libp2p/floodsub', { version: '11.0.25' }, /at least 11\.0\.26/],
    ['too old', 'koa', { version: '3.1.1' }, /at least 3\.1\.2/],
    ['before the fix', 'koa', { version: '3.1.2-rc.1' }, /at least 3\.1\.2/],
    ['forbidden', '@chainsafe/libp2p-gossipsub', {}, /not to be there: /],
    ['only for tests', 'blockstore-fs', {}, /not to be there, but for tests/],
    ['without integrity', 'x', { integrity: undefined }, /no integrity/],
    ['of weak integrity', 'x', { integrity: 'sha1-AAAA' }, /no sha512/],
    [
      'from a named host',
      'x',
      { resolved: 'https://registry.example/x.tgz' },
      /where it came from/,
    ],
    ['a link', 'x', { link: true }, /link/],
    ['with a script', 'x', { hasInstallScript: true }, /when it is installed/],
    ['of another licence', 'x', { license: 'AGPL-3.0' }, /AGPL-3\.0/],
    ['of no licence', 'x', { license: undefined }, /licence ""/],
    ['of two licences', 'x', { license: 'MIT AND GPL-3.0' }, /GPL-3\.0/],
    ['other than its exception', 'caniuse-lite', { license: 'GPL-2.0' }, /GPL-2\.0/],
  ] as [string, string, LockedPackage, RegExp][])
    it(`stops ${name} when it is ${what}`, () => {
      const [problem, ...more] = withPackage(name, locked)
      assert.match(problem ?? '', why)
      assert.deepEqual(more, [])
    })

  it('wants one version of each that we name, and no use of what only comes along', () => {
    const packages = { '': { dependencies: { koa: '^3.3.0' } } }
    const sources = new Map([
      ['src/a.ts', "import { webRTC } from '@libp2p/webrtc'"],
      ['src/b.ts', "import '@libp2p/webrtc-not'"],
    ])
    const found = gate({ name: 'x', version: '1', lockfileVersion: 3, packages }, sources)
    assert.equal(found.length, 2)
    assert.match(found[0] ?? '', /"\^3\.3\.0" is not one version/)
    assert.match(found[1] ?? '', /src\/a\.ts: uses @libp2p\/webrtc/)
  })

  it('compares versions by number', () => {
    assert.ok(isAtLeast('10.0.0', '9.9.9'))
    assert.ok(isAtLeast('3.1.2', '3.1.2'))
    assert.ok(!isAtLeast('3.1.10-beta', '3.1.10'))
    assert.ok(!isAtLeast(undefined, '0.0.0'))
    assert.ok(!isAtLeast('latest', '1.0.0'))
  })

  it('takes no answer of the registry for no good news, and says why', () => {
    const refused =
      '{"message":"405 Method Not Allowed - POST https://registry.example/x","error":{}}'
    assert.deepEqual(readReport(refused), { answered: false, why: '405 Method Not Allowed' })
    assert.equal(readReport('').answered, false)
    assert.equal(readReport('{}').answered, false)
    const report = {
      vulnerabilities: {
        a: { severity: 'high', range: '<1' },
        b: { severity: 'low', range: '*' },
      },
    }
    assert.deepEqual(readReport(JSON.stringify(report)), { answered: true, found: ['a <1: high'] })
  })
})
