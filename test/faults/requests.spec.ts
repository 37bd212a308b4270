import assert from 'node:assert/strict'
import { ADDRESSES } from './requests/addresses.ts'
import { CLIENTS } from './requests/clients.ts'
import { DIGESTS } from './requests/digests.ts'
import { ENCODINGS } from './requests/encodings.ts'
import { IDS, RULES } from './requests/ids.ts'
import { MANIFESTS } from './requests/manifests.ts'
import { NAMES } from './requests/names.ts'
import { READS } from './requests/reads.ts'
import { run, title } from './requests/run.ts'
import { SMUGGLING } from './requests/smuggling.ts'
import { Target } from './requests/target.ts'
import { UPLOADS } from './requests/uploads.ts'

/** A machine that does much else may take long for the largest of them. */
const TIMEOUT_MS = 60_000

const TABLE = [
  ...NAMES,
  ...DIGESTS,
  ...UPLOADS,
  ...MANIFESTS,
  ...READS,
  ...ADDRESSES,
  ...SMUGGLING,
  ...ENCODINGS,
  ...CLIENTS,
]

describe('bad requests', () => {
  const target = new Target().use()

  it('are all in the table, B01 to B43', () => {
    assert.deepEqual(Object.keys(RULES), IDS)
    const without = IDS.filter((id) => !TABLE.some(([of]) => of === id))
    assert.deepEqual(without, [])
  })

  for (const [id, rule] of Object.entries(RULES))
    describe(`${id}: ${rule}`, () => {
      for (const row of TABLE.filter(([of]) => of === id))
        it(title(row), () => run(target, row)).timeout(TIMEOUT_MS)
    })

  it('leave no upload behind', async () => {
    assert.equal((await target.status()).storage.uploads, 0)
  })
})
