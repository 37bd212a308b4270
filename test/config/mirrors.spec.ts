import assert from 'node:assert/strict'
import { KEY, PEER, load, problems } from './support.ts'

/** The policy of an entry that says nothing of it. */
const DEFAULTS = {
  replicate: 'lazy',
  repositories: ['**'],
  maxStale: null,
  deadline: 10_000,
  signedBy: [],
}

const PEER_KEY = 'k51qzi5uqu5dgy8qsq67hbz73jqkw87l3fgf4a91qb0d9b5173tir7n4vxk1oe'

const FULL = {
  key: `/ipns/${PEER}`,
  replicate: 'full',
  repositories: ['team/*', 'base'],
  maxStale: '7d',
  deadline: '2s',
}
const READ = {
  kind: 'key',
  text: PEER_KEY,
  replicate: 'full',
  repositories: ['team/*', 'base'],
  maxStale: 7 * 86_400_000,
  deadline: 2000,
  signedBy: [],
}

describe('the mirrors of the configuration', () => {
  it('are names, or sections that say how, in order', async () => {
    const entries = [KEY, FULL].map((entry) => `    - ${JSON.stringify(entry)}\n`).join('')
    const { config } = await load(`ipns:\n  readOnlyKeys:\n${entries}`)
    const first = { kind: 'key', text: KEY, ...DEFAULTS }
    assert.deepEqual(config.ipns.readOnlyKeys, [first, READ])
  })

  it('need no more in a section than the name', async () => {
    const { config } = await load(`ipns: { readOnlyKeys: [{ key: ${KEY}, maxStale: null }] }`)
    assert.deepEqual(config.ipns.readOnlyKeys, [{ kind: 'key', text: KEY, ...DEFAULTS }])
  })

  it('can be a JSON array in the environment', async () => {
    const variable = JSON.stringify([KEY, FULL])
    const { config } = await load('ipns: { readOnlyKeys: [r.example.com] }', {
      REGISTRY_IPNS_READONLYKEYS: ` ${variable}`,
    })
    assert.deepEqual(config.ipns.readOnlyKeys, [{ kind: 'key', text: KEY, ...DEFAULTS }, READ])
  })

  it('are refused with everything that is wrong with each of them, at its place', async () => {
    const lines = await problems(
      [
        'ipns:',
        '  readOnlyKeys:',
        `    - ${KEY}`,
        `    - { key: /ipns/${KEY}, replicat: full, repositories: [A, b, b], deadline: 5 }`,
        '    - replicate: fast',
        '    - 7',
        `    - key: ${PEER}`,
        '      repositories: []',
        '      maxStale: 1y',
        '    - key:',
        '      repositories: team/*',
        '    - { key: nonsense, http: 3 }',
      ].join('\n'),
    )
    const expected = [
      'c.yaml:4:14 ipns.readOnlyKeys.2.key: is the same as entry 1: remove one',
      'c.yaml:4:84 ipns.readOnlyKeys.2.replicat: is not an option: did you mean ipns.readOnlyKeys.2.replicate?',
      `c.yaml:4:115 ipns.readOnlyKeys.2.repositories.1: is "A", which no repository's name can be`,
      'c.yaml:4:121 ipns.readOnlyKeys.2.repositories.3: is the same as entry 2: remove one',
      'c.yaml:4:135 ipns.readOnlyKeys.2.deadline: is "5", not a duration',
      'c.yaml:5:7 ipns.readOnlyKeys.3.key: is missing: write it, or remove the whole',
      'c.yaml:5:18 ipns.readOnlyKeys.3.replicate: must be lazy or full',
      'c.yaml:6:7 ipns.readOnlyKeys.4: must be text, or a section with a key',
      'c.yaml:8:21 ipns.readOnlyKeys.5.repositories: is empty, so nothing would be mirrored',
      'c.yaml:9:17 ipns.readOnlyKeys.5.maxStale: is "1y", not a duration',
      'c.yaml:10:11 ipns.readOnlyKeys.6.key: has no value: give it one, or remove it',
      'c.yaml:11:21 ipns.readOnlyKeys.6.repositories: must be a list',
      'c.yaml:12:14 ipns.readOnlyKeys.7.key: is "nonsense": write an IPNS name',
      'c.yaml:12:24 ipns.readOnlyKeys.7.http: is not an option: remove it',
    ]
    assert.equal(lines.length, expected.length, lines.join('\n'))
    for (const [index, line] of lines.entries())
      assert.ok(line.startsWith(expected[index] ?? '?'), line)
  })

  it('say which variable, and which entry of it, is wrong', async () => {
    const variable = 'REGISTRY_IPNS_READONLYKEYS'
    for (const [value, expected] of [
      [`[{"key":"${KEY}","replicate":"ful"}]`, 'entry 1.replicate must be lazy or full'],
      [`["${KEY}",{"key":"${KEY}"}]`, 'entry 2.key is the same as entry 1: remove one'],
      [`[{"key":"${KEY}"`, 'is not JSON ('],
      ['[{"key":"r.example.com"}]', 'entry 1 is r.example.com, a DNSLink domain, which needs'],
      [`[{"key":"${KEY}","__proto__":1}]`, 'entry 1.__proto__ is not an option'],
    ] as const) {
      const [line, ...more] = await problems(undefined, { [variable]: value })
      assert.ok(line?.startsWith(`${variable}: ${expected}`), line)
      assert.deepEqual(more, [])
    }
  })

  it('may have 64 patterns and not more', async () => {
    const patterns = (count: number) => Array.from({ length: count }, (_, n) => `team${n}/*`)
    const yaml = (count: number) =>
      `ipns: { readOnlyKeys: [{ key: ${KEY}, repositories: ${JSON.stringify(patterns(count))} }] }`
    await load(yaml(64))
    const [line] = await problems(yaml(65))
    assert.match(line ?? '', /has 65 patterns, and at most 64 may be there/)
  })
})
