import assert from 'node:assert/strict'
import { readRecord } from '../../../src/naming/record.ts'
import { ruleOn } from '../../../src/naming/record-policy.ts'
import { valueOf } from '../../../src/naming/root-value.ts'
import { keychain, rootNumber } from '../../naming/support.ts'
import { OwnedName } from '../peer/names.ts'
import { RECORD_TRICKS } from '../peer/records.ts'
import type { Id } from './rules.ts'
import type { Row } from './row.ts'

const YEAR = 365 * 24 * 3_600_000

/** Each record by itself: cheap, so all of them; the generator plays them against real daemons. */
const TRICKS: readonly Row[] = RECORD_TRICKS.map((trick): Row => [
  trick.row as Id,
  `${trick.name} is not followed`,
  async () => {
    const owner = await OwnedName.create()
    owner.sequence = 5n
    const [good, other] = [await rootNumber(1), await rootNumber(2)]
    const record = await owner.next(good)
    const bytes = await trick.make({ owner, good, other, record })
    const floor = { sequence: owner.sequence, root: good }
    const read = readRecord(owner.name, bytes, keychain)
    const ruling = await read.then(
      (it) => ruleOn(it, floor, Date.now()).kind,
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    )
    assert.match(ruling, /^(older|refused|InvalidRecordError)$/)
  },
])

export const RECORDS: readonly Row[] = [
  ...TRICKS,
  ...(
    [
      ['C08', 'a record with a bad signature'],
      ['C09', 'a record of an older sequence'],
      ['C10', 'a record of the same sequence, for another root'],
      ['C11', 'a record for itself'],
      ['C12', 'a record valid for a hundred years'],
    ] as const
  ).map(([id, trick]): Row => [
    id,
    `a real daemon hears ${trick} by pubsub and by fetch: the last good root stays, also after a restart`,
    async (arena) => void (await arena.play({ trick })),
  ]),
  [
    'C12',
    'a TTL of 50 years counts as five minutes, one of 0 as none, and a second of validity ends after it',
    async () => {
      const owner = await OwnedName.create()
      owner.sequence = 1n
      const value = valueOf(await rootNumber(1))
      const read = async (content: { ttl?: number; lifetime?: number }) =>
        readRecord(owner.name, await owner.sign({ value, ...content }), keychain)
      assert.equal((await read({ ttl: 50 * YEAR })).ttl, 300_000)
      assert.equal((await read({ ttl: 0 })).ttl, 0)
      const short = await read({ lifetime: 60_000 })
      assert.equal(ruleOn(short, undefined, Date.now()).kind, 'newer')
      assert.equal(ruleOn(short, undefined, Date.now() + 61_000).kind, 'refused')
    },
  ],
]
