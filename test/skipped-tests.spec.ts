import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { switchedOff, testCalled } from './support/skipped.ts'

describe('the tests', () => {
  it('are all switched on', async () => {
    const found: string[] = []
    let count = 0
    for await (const path of glob('**/*.ts', { cwd: import.meta.dirname })) {
      if (path === 'skipped-tests.spec.ts') continue
      count++
      const words = switchedOff(await readFile(join(import.meta.dirname, path), 'utf8'))
      if (words !== undefined) found.push(`${path}: ${words}`)
    }
    assert.ok(count > 300)
    assert.deepEqual(found, [])
  })
})

describe('the check of tests that are switched off', () => {
  for (const text of [
    "it.skip('does it', () => {})",
    "it .only('does it', () => {})",
    "describe.skip('all', () => {})",
    "context.skip('all', () => {})",
    "xit('does it', () => {})",
    "xdescribe('all', () => {})",
    "it('is still to be written')",
    'it(\n  "is still to be written",\n)',
  ])
    it(`finds ${JSON.stringify(text)}`, () => {
      assert.notEqual(switchedOff(`before\n  ${text}\n`), undefined)
    })

  for (const text of [
    "it('does it', () => {})",
    'it(`does all of it`, async () => {})',
    'if (disk === undefined) return this.skip()',
    'await skipSpaces(text)',
    'process.exit(1)',
  ])
    it(`lets through ${JSON.stringify(text)}`, () => {
      assert.equal(switchedOff(`before\n  ${text}\n`), undefined)
    })

  it('sees what a test does, and nothing of the next one', () => {
    const text =
      "  it('one', () => {\n    a()\n  })\n\n  it('two', () => {\n    this.skip()\n  })\n"
    assert.match(testCalled('one', text) ?? '', /a\(\)/)
    assert.doesNotMatch(testCalled('one', text) ?? '', /skip/)
    assert.match(testCalled('two', text) ?? '', /skip/)
    assert.equal(testCalled('three', text), undefined)
  })
})
