import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaced } from '../support/figures-page.ts'
import { switchedOff, testCalled } from '../support/skipped.ts'
import { IDS, TABLE, asMarkdown } from './table.ts'

const TEST = join(import.meta.dirname, '..')
const PAGE = join(TEST, '../docs/security.md')

/** Rows whose specs are still to be named. One that has them must go from here. */
const PENDING: readonly string[] = []

describe('the table of access and limits', () => {
  it('has every row once, in order', () => {
    assert.deepEqual(
      TABLE.map(([id]) => id),
      IDS,
    )
  })

  for (const [id, what, expected, ...shown] of TABLE)
    for (const [file, title] of shown)
      it(`${id} ${what}: ${expected} (${file}: ${title})`, async () => {
        const text = await readFile(join(TEST, file), 'utf8')
        const shows = testCalled(title, text)
        assert.ok(shows !== undefined, `${file} has no test called ${title}`)
        assert.equal(switchedOff(text), undefined, `${file} has tests that are switched off`)
        assert.doesNotMatch(shows, /\bskip\(/, `${file}: ${title} may be skipped`)
      })

  it('names what is pending, and nothing else', () => {
    const pending = TABLE.filter((row) => row.length === 3).map(([id]) => id)
    assert.deepEqual(pending, PENDING)
  })

  it('is the table of docs/security.md (node test/access/write-table.ts puts it there)', async () => {
    const page = await readFile(PAGE, 'utf8')
    assert.equal(page, replaced(page, 'table', asMarkdown()))
  })
})
