import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { INTENDED } from './intended.ts'
import { PAGE, intendedTable, section } from './page.ts'

/** So many differences from another registry can be meant; more would be a registry of another kind. */
const MAX_ENTRIES = 20

describe('differential: the list of intended differences', () => {
  it(`has at most ${MAX_ENTRIES} entries, each with a name of its own`, () => {
    assert.ok(INTENDED.length <= MAX_ENTRIES, `it has ${INTENDED.length}`)
    assert.equal(new Set(INTENDED.map(({ id }) => id)).size, INTENDED.length)
  })

  for (const { id, difference, reason, source, aspects, example } of INTENDED) {
    it(`${id}: says what differs, why, where it is written, and shows it`, () => {
      for (const text of [difference, reason]) assert.match(text, /^\S.{20,}[.]$/)
      assert.match(source, /(distribution|image)-spec|RFC \d{4}/)
      assert.ok(aspects.length > 0 && example.length > 0)
      assert.ok(!aspects.includes('failure'), 'a failure of Heliport is never meant')
    })
  }

  it('is in docs/differential.md as it is here', async () => {
    assert.equal(section(await readFile(PAGE, 'utf8'), 'list'), intendedTable())
  })
})
