import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { Arena } from './table/arena.ts'
import { ELSEWHERE } from './table/elsewhere.ts'
import { PEERS } from './table/peers.ts'
import { RECORDS } from './table/records.ts'
import { isElsewhere } from './table/row.ts'
import { IDS, RULES } from './table/rules.ts'
import { TREES } from './table/trees.ts'
import type { Row } from './table/row.ts'

/** Peers that stall cost a deadline or two, and a machine that does much else takes long for everything. */
const TIMEOUT_MS = 180_000

const TABLE = [...TREES, ...RECORDS, ...PEERS, ...ELSEWHERE]

describe('faults of the network', () => {
  const arena = new Arena().use()

  it('are all in the table, C01 to C26', () => {
    assert.deepEqual(Object.keys(RULES), IDS)
    const without = IDS.filter((id) => !TABLE.some(([of]) => of === id))
    assert.deepEqual(without, [])
  })

  for (const [id, rule] of Object.entries(RULES))
    describe(`${id}: ${rule}`, () => {
      for (const row of TABLE.filter(([of]) => of === id)) specOf(row)
    })

  function specOf(row: Row): void {
    if (!isElsewhere(row)) return void it(row[1], () => row[2](arena)).timeout(TIMEOUT_MS)
    const [, what, where] = row
    it(`${what}: in test/${where.in}`, () => access(join(import.meta.dirname, '..', where.in)))
  }
})
