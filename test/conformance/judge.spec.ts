import assert from 'node:assert/strict'
import { judge } from './judge.ts'
import { SUITES } from './suites.ts'
import type { Outcome, Status } from './outcome.ts'
import type { Suite } from './suites.ts'

const suite = (id: string): Suite => {
  const found = SUITES.find((one) => one.id === id)
  assert.ok(found !== undefined)
  return found
}

const PINNED = '97274622c111'

interface Missed {
  name: string
  status: Status
  why?: string
}

const outcome = (
  missed: readonly Missed[] = [],
  rows: Readonly<Record<string, Status>> = {},
  changes: Partial<Outcome> = {},
): Outcome => {
  const counts = { Pass: 100, FAIL: 0, Error: 0, Skip: 0, Disabled: 0 }
  for (const { status } of missed) counts[status]++
  const notPassed = missed.map(({ why = '', ...one }) => ({ ...one, why }))
  const all = new Map<string, Status>([['API: Ping', 'Pass'], ...Object.entries(rows)])
  return { counts, rows: all, notPassed, commit: undefined, record: '', ...changes }
}

const CANCEL: readonly Missed[] = [
  { name: 'OCI Conformance Test/sha256 blobs/post cancel', status: 'Disabled' },
  { name: 'OCI Conformance Test/sha512 blobs/post cancel', status: 'Disabled' },
]

describe('judging a run', () => {
  it('is content when all passed', () => {
    for (const one of SUITES) assert.deepEqual(judge(outcome(), one), [], one.id)
  })

  it('names each test that failed, in one line, and not its row once more', () => {
    const missed: Missed[] = [
      { name: 'a', status: 'FAIL', why: 'expected 200\n   received 500' },
      { name: 'b', status: 'Error' },
    ]
    const rows = { 'API: Blob get': 'FAIL' } as const
    assert.deepEqual(judge(outcome(missed, rows), suite('dev')), [
      'FAIL: a: expected 200 received 500',
      'Error: b',
    ])
  })

  it('takes no skipped test, though the suite itself does', () => {
    const missed: Missed[] = [{ name: 'mount anonymous', status: 'Skip', why: 'returned 202' }]
    const rows = { 'API: Blob anonymous mount': 'Skip' } as const
    for (const one of SUITES)
      assert.deepEqual(judge(outcome(missed, rows), one), ['Skip: mount anonymous: returned 202'])
  })

  it('takes what the older suite skips by its nature, and only that', () => {
    const old = suite('2023')
    for (const name of Object.keys(old.skipped)) {
      const missed: Missed[] = [{ name, status: 'Skip' }]
      assert.deepEqual(judge(outcome(missed, { [name]: 'Skip' }), old), [])
      assert.deepEqual(judge(outcome([{ name, status: 'FAIL' }]), old), [`FAIL: ${name}`])
      assert.equal(judge(outcome(missed), suite('stable')).length, 1)
    }
  })

  it('takes as disabled what the stable specification does not have', () => {
    const stable = suite('stable')
    const rows = Object.fromEntries(
      stable.disabled.rows.map((row) => [row, 'Disabled' as const] as const),
    )
    assert.deepEqual(judge(outcome(CANCEL, rows), stable), [])
  })

  it('takes nothing else as disabled, and in dev nothing at all', () => {
    const [stable, dev] = [suite('stable'), suite('dev')]
    const push = { 'API: Blob push': 'Disabled' } as const
    assert.deepEqual(judge(outcome(CANCEL, push), stable), ['Disabled: API: Blob push'])
    const more: Missed[] = [...CANCEL, { name: 'one more', status: 'Disabled' }]
    assert.deepEqual(judge(outcome(more), stable), ['3 tests are disabled, not 2'])
    const sparse = { 'Data: Sparse Manifests': 'Disabled' } as const
    assert.deepEqual(judge(outcome(CANCEL, sparse), dev), [
      '2 tests are disabled, not 0',
      'Disabled: Data: Sparse Manifests',
    ])
  })

  it('is not content with nothing', () => {
    const counts = { Pass: 0, FAIL: 0, Error: 0, Skip: 0, Disabled: 0 }
    assert.deepEqual(judge(outcome([], {}, { counts }), suite('stable')), ['no test passed'])
  })

  it('sees what was counted and not listed, and a row that failed without a test', () => {
    const counts = { Pass: 100, FAIL: 2, Error: 0, Skip: 0, Disabled: 0 }
    assert.deepEqual(judge(outcome([], {}, { counts }), suite('dev')), [
      '2 more tests did not pass',
    ])
    const rows = { 'Data: Image': 'Error' } as const
    assert.deepEqual(judge(outcome([], rows), suite('dev')), ['Error: Data: Image'])
  })

  it('wants the pinned commit of the suite', () => {
    assert.deepEqual(judge(outcome([], {}, { commit: PINNED }), suite('stable')), [])
    for (const commit of ['unknown', '', 'a139cc423184af6078077b9b7ee336eddbd03f8f']) {
      const [problem = ''] = judge(outcome([], {}, { commit }), suite('stable'))
      assert.match(problem, /not the pinned one/)
    }
  })
})
