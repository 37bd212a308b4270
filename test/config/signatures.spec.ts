import assert from 'node:assert/strict'
import { basename, isAbsolute } from 'node:path'
import { KEY, load, problems } from './support.ts'

describe('signatures in the configuration', () => {
  it('are rules of patterns and files, relative to the file', async () => {
    const { config } = await load(`
signatures:
  - { repositories: [release/**, base], keys: [keys/a.pub, b.pub] }
ipns: { readOnlyKeys: [{ key: ${KEY}, signedBy: [c.pub] }] }
`)
    const [rule] = config.signatures
    assert.deepEqual(rule?.repositories, ['release/**', 'base'])
    const files = [...(rule?.keys ?? []), ...(config.ipns.readOnlyKeys[0]?.signedBy ?? [])]
    assert.ok(files.every((path) => isAbsolute(path)))
    assert.deepEqual(
      files.map((path) => basename(path)),
      ['a.pub', 'b.pub', 'c.pub'],
    )
  })

  it('can be JSON in the environment', async () => {
    const rules = [{ repositories: ['a'], keys: ['/k.pub'] }]
    const { config } = await load(undefined, { REGISTRY_SIGNATURES: JSON.stringify(rules) })
    assert.deepEqual(config.signatures, rules)
  })

  it('are refused with everything that is wrong, at its place', async () => {
    const lines = await problems(
      [
        'signatures:',
        '  - { repositories: [A], keys: [a.pub] }',
        '  - { repositories: [], keys: [] }',
        '  - { repositories: [a], key: [a.pub] }',
        '  - { repositories: [a], keys: [~/a.pub, b, b] }',
        '  - words',
        'ipns:',
        '  readOnlyKeys:',
        `    - { key: ${KEY}, signedby: [a.pub] }`,
      ].join('\n'),
    )
    const all = lines.join('\n')
    for (const expected of [
      /c\.yaml:2:\d+ signatures\.1\.repositories\.1: is "A", which no repository/,
      /c\.yaml:3:\d+ signatures\.2\.repositories: is empty, so it would mean none/,
      /c\.yaml:3:\d+ signatures\.2\.keys: is empty, so nothing could be pulled/,
      /c\.yaml:4:\d+ signatures\.3\.key: is not an option: did you mean signatures\.3\.keys\?/,
      /c\.yaml:4:\d+ signatures\.3\.keys: is missing/,
      /c\.yaml:5:\d+ signatures\.4\.keys\.1: .*~ is not expanded/,
      /c\.yaml:5:\d+ signatures\.4\.keys\.3: is the same as entry 2/,
      /c\.yaml:6:\d+ signatures\.5: must be/,
      /c\.yaml:9:\d+ ipns\.readOnlyKeys\.1\.signedby: is not an option: did you mean ipns\.readOnlyKeys\.1\.signedBy\?/,
    ])
      assert.match(all, expected)
  })

  it('have at most 16 keys and 64 rules', async () => {
    const keys = JSON.stringify(Array.from({ length: 17 }, (_, index) => `${index}.pub`))
    const rule = (list: string): string => `{ repositories: [a], keys: ${list} }`
    const [line] = await problems(`signatures: [${rule(keys)}]`)
    assert.match(line ?? '', /signatures\.1\.keys: has 17 keys, and at most 16 may be there/)
    const [many] = await problems(`signatures: [${Array(65).fill(rule('[k]')).join()}]`)
    assert.match(many ?? '', /signatures: has too many rules: at most 64/)
  })
})
