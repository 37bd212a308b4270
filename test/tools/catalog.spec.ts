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

  it('names the same commit for the module proxy and for a checkout', () => {
    for (const [name, { go = '', source }] of tools) {
      const ofModule = /-\d{14}-([0-9a-f]{12})$/.exec(go)?.[1]
      if (ofModule !== undefined) assert.equal(source?.commit.slice(0, 12), ofModule, name)
      if (source !== undefined) assert.match(source.commit, /^[0-9a-f]{40}$/, name)
    }
  })

  it('says of each how it can be had', () => {
    assert.equal(howToGet('skopeo'), 'apt-get install skopeo')
    assert.equal(howToGet('crane'), 'npm run tools -- crane')
    assert.equal(
      howToGet('zot-minimal'),
      'npm run tools -- zot-minimal --zot-source=<checkout of https://github.com/project-zot/zot that has 3b5796d834e8>',
    )
    for (const [name] of tools) assert.match(howToGet(name), /^(apt-get install|npm run tools) /)
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
