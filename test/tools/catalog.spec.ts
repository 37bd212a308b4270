import assert from 'node:assert/strict'
import { TOOLS, howToGet } from './catalog.ts'
import { columns } from './table.ts'
import type { ToolName, ToolSource } from './catalog.ts'

const tools = Object.entries<ToolSource>(TOOLS) as [ToolName, ToolSource][]

describe('the catalog of tools', () => {
  it('has exactly one origin for each', () => {
    for (const [name, { debian, go }] of tools)
      assert.equal([debian, go].filter((origin) => origin !== undefined).length, 1, name)
  })

  it('knows what it does not build by the stamps of its makers', () => {
    for (const [name, { elsewhere, stamps = {} }] of tools)
      if (elsewhere !== undefined) assert.notDeepEqual(stamps, {}, name)
  })

  it('stamps a suite with the commit that its version names', () => {
    for (const [name, { go = '', stamps = {} }] of tools) {
      const commit = /-\d{14}-([0-9a-f]{12})$/.exec(go)?.[1]
      if (commit === undefined) continue
      for (const stamp of Object.values(stamps)) assert.equal(stamp.slice(0, 12), commit, name)
    }
  })

  it('says of each how it can be had', () => {
    assert.equal(howToGet('skopeo'), 'apt-get install skopeo')
    assert.equal(howToGet('crane'), 'npm run tools -- crane')
    assert.equal(
      howToGet('zot-minimal'),
      'not to be had by name; from its makers, as zot-minimal in the tool directory or the PATH: https://github.com/project-zot/zot/releases/tag/v2.1.20',
    )
    for (const [name] of tools)
      assert.match(howToGet(name), /^(apt-get install|npm run tools|not to be had by name;) /)
  })
})

describe('a table of text', () => {
  it('has columns as wide as their widest cell', () => {
    const rows = [
      ['a', 'bbb', 'c'],
      ['aaaa', 'b'],
    ]
    assert.equal(columns(rows), 'a     bbb  c\naaaa  b')
    assert.equal(columns([]), '')
  })
})
