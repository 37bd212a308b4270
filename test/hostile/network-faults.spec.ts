import assert from 'node:assert/strict'
import { Arena } from './table/arena.ts'
import { ELSEWHERE } from './table/elsewhere.ts'
import { PEERS } from './table/peers.ts'
import { RECORDS } from './table/records.ts'
import { isElsewhere } from './table/row.ts'
import { IDS, RULES } from './table/rules.ts'
import { TREES } from './table/trees.ts'

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
      for (const row of TABLE.filter(([of]) => of === id))
        // A row that is elsewhere is shown as pending, with the place where it is not.
        if (isElsewhere(row)) it(`${row[1]}: tested in ${row[2].in}`)
        else it(row[1], () => row[2](arena)).timeout(TIMEOUT_MS)
    })
})
