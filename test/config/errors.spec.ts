import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ConfigError } from '../../src/config/load.ts'
import { OPTIONS } from '../../src/config/options.ts'
import { KEY, PEER, load, problems } from './support.ts'

describe('errors of the configuration', () => {
  it('come all at once, in the order of the file, with line and column', async () => {
    const file = [
      'htpp: {}',
      'http:',
      '  addr: 5000',
      '  hosts: [a.example, A.Example]',
      'ipns:',
      '  lifetime: 365',
      '  readOnlyKeys:',
      `    - ${KEY}`,
      `    - /ipns/${KEY}`,
      'storage: here',
      'log:',
      '  level: loud',
    ].join('\n')
    assert.deepEqual(await problems(file, { REGISTRY_NETWORK_SWARMKEY: 'k' }), [
      'REGISTRY_NETWORK_SWARMKEY: is only for network.mode private, and the mode is lan: remove it',
      'c.yaml:1:1 htpp: is not an option: did you mean http?',
      'c.yaml:3:9 http.addr: must be text, not a number: put it in quotes',
      'c.yaml:4:22 http.hosts.2: is the same as entry 1: remove one',
      'c.yaml:6:13 ipns.lifetime: is "365", not a duration: write a number with a unit (ms, s, m, h, d) like 365d',
      'c.yaml:9:7 ipns.readOnlyKeys.2: is the same as entry 1: remove one',
      'c.yaml:10:10 storage: must be a section, with its keys indented below it',
      'c.yaml:12:10 log.level: must be trace, debug, info, warn, error, fatal or silent',
    ])
  })

  const unknown: [string, string][] = [
    ['http: { adr: x }', 'c.yaml:1:9 http.adr: is not an option: did you mean http.addr?'],
    ['mode: lan', 'c.yaml:1:1 mode: is not an option: did you mean auth.mode or network.mode?'],
    ['storage: { delete: { enable: true } }', 'did you mean storage.delete.enabled?'],
    ['ipns: { readonlykeys: [] }', 'did you mean ipns.readOnlyKeys?'],
    ['zzz: 1', 'c.yaml:1:1 zzz: is not an option: remove it'],
    ['__proto__: { a: 1 }', '__proto__: is not an option: remove it'],
    ['http: { constructor: 1 }', 'http.constructor: is not an option: remove it'],
  ]
  for (const [file, line] of unknown) {
    it(`refuse the unknown key in "${file}"`, async () => {
      const lines = await problems(file)
      assert.equal(lines.length, 1)
      assert.ok(lines[0]?.endsWith(line), lines[0])
    })
  }

  const types: [string, RegExp][] = [
    ['http: { hosts: a.example }', /http\.hosts: must be a list/],
    ['http: { hosts: [1] }', /http\.hosts\.1: must be text, not a number/],
    ['storage: { delete: true }', /storage\.delete: must be a section/],
    ['storage: { delete: { enabled: "true" } }', /must be true or false/],
    ['storage: { path: [a] }', /must be text, not a list/],
    ['storage: { path: "" }', /is empty: write a path/],
    ['storage: { path: ~/data }', /~ is not expanded/],
    ['storage: { validation: }', /must be strict or sparse/],
    ['ipns: { writeKey: self }', /own identity/],
    ['ipns: { writeKey: ../x }', /1 to 64 of the characters/],
    ['limits: { blob: null }', /has no value/],
    ['limits: { blob: 1e30 }', /not a size|between/],
    ['limits: { blob: -1 }', /not a size/],
    ['limits: { peerRate: 10KiB }', /less than 64KiB a second/],
  ]
  for (const [file, complaint] of types) {
    it(`explain what is wrong with "${file}"`, async () => {
      const lines = await problems(file)
      assert.equal(lines.length, 1, lines.join('\n'))
      assert.match(lines[0] ?? '', complaint)
    })
  }

  it('cannot be forged into more lines by what is in the file', async () => {
    const lines = await problems('"a\\nc.yaml:1:1 evil": 1\nhttp: { addr: "x\\ny" }')
    assert.equal(lines.length, 2)
  })
})

describe('impossible combinations', () => {
  const domain = 'ipns: { readOnlyKeys: [r.example.com] }'
  const cases: [string, string[]][] = [
    [
      'ipns: { writeKey: null }',
      ['c.yaml:1:19 ipns.writeKey: is null and ipns.readOnlyKeys is empty'],
    ],
    [
      domain,
      [
        'c.yaml:1:24 ipns.readOnlyKeys.1: is r.example.com, a DNSLink domain, which needs network.mode public',
      ],
    ],
    [
      'network: { mode: private }',
      ['network.swarmKey: is null, but network.mode private needs a key: name its file'],
    ],
    [
      'network: { swarmKey: k }',
      ['c.yaml:1:22 network.swarmKey: is only for network.mode private'],
    ],
    [
      'network: { mode: offline, listen: [/ip4/0.0.0.0/tcp/1] }',
      ['network.listen.1: is /ip4/0.0.0.0/tcp/1, but'],
    ],
    [
      `network: { mode: offline, peers: [/dns4/x/tcp/1/p2p/${PEER}] }`,
      ['network.peers.1: is /dns4/x'],
    ],
    [
      `network: { peers: [/dnsaddr/x.example/p2p/${PEER}] }`,
      ['network.peers.1: is a /dnsaddr/ list'],
    ],
    [
      `network: { mode: private, swarmKey: k, peers: [/dnsaddr/x.example/p2p/${PEER}] }`,
      ['network.peers.1: is a /dnsaddr/ list, which needs network.mode public'],
    ],
    [
      `network: { peers: [/ip4/10.0.0.1/tcp/1/p2p/${PEER}/p2p-circuit/p2p/${PEER}] }`,
      [
        'network.peers.1: is reached by way of a relay (/p2p-circuit), which needs network.mode public',
      ],
    ],
  ]
  for (const [file, expected] of cases) {
    it(`are refused: ${file}`, async () => {
      const lines = await problems(file)
      assert.equal(lines.length, expected.length, lines.join('\n'))
      for (const part of expected)
        assert.ok(
          lines.some((line) => line.includes(part)),
          lines.join('\n'),
        )
    })
  }

  const good = [
    `ipns: { writeKey: null, readOnlyKeys: [${KEY}] }`,
    `${domain}\nnetwork: { mode: public }`,
    `network: { mode: offline, listen: [/ip6/::1/tcp/0], peers: [/ip4/127.0.0.1/tcp/1/p2p/${PEER}] }`,
    `network: { mode: private, swarmKey: k, peers: [/dns4/x.example/tcp/1/p2p/${PEER}] }`,
    `network: { mode: public, peers: [/dnsaddr/x.example/p2p/${PEER}] }`,
  ]
  for (const file of good)
    it(`are not seen where there are none: ${file}`, async () => assert.ok(await load(file)))

  it('are found beside other errors, but not because of them', async () => {
    const beside = await problems('htpp: 1\nipns: { writeKey: null }')
    assert.equal(beside.length, 2)
    const because = await problems('ipns: { writeKey: null, readOnlyKeys: [nonsense] }')
    assert.equal(because.length, 1)
  })
})

describe('the loader, whatever it is given,', () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...OPTIONS.map((option) => option.path.at(-1) ?? ''),
      '__proto__',
      '*a',
      '&a',
      '!!binary',
      '<<',
    ),
    fc.string({ unit: 'binary', maxLength: 6 }),
  )
  const line = fc.tuple(
    fc.constantFrom('', '  ', '    ', '\t', '- '),
    word,
    fc.constantFrom(': ', ':', ' '),
    word,
  )
  const yaml = fc
    .array(
      line.map((parts) => parts.join('')),
      { maxLength: 12 },
    )
    .map((lines) => lines.join('\n'))
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom('', 'true', 'a,b', KEY),
  )
  const env = fc.dictionary(fc.constantFrom(...OPTIONS.map((option) => option.variable)), value, {
    maxKeys: 4,
  })

  it('throws nothing but ConfigError', async () => {
    const json = fc.json({ maxDepth: 3 })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(yaml, json, fc.string({ unit: 'binary' })),
        env,
        async (file, variables) => {
          try {
            await load(file, variables)
          } catch (error) {
            assert.ok(
              error instanceof ConfigError,
              error instanceof Error ? error.stack : String(error),
            )
            assert.ok(error.problems.length > 0)
            assert.equal(error.message.split('\n').length, error.problems.length)
          }
        },
      ),
      { numRuns: 400 },
    )
  })
})
