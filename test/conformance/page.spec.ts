import assert from 'node:assert/strict'
import { conformancePage } from './page.ts'
import { HELIPORT, PEERS } from './registries.ts'
import { differences, terminalTable, titleOf } from './report.ts'
import { SUITES } from './suites.ts'
import type { Run } from './execute.ts'
import type { Outcome, Status } from './outcome.ts'
import type { Registry } from './registries.ts'

const [stable] = SUITES
const [zot, zotWithoutDedupe, distribution] = PEERS
assert.ok(stable && zot && zotWithoutDedupe && distribution)

const outcome = (fails: number, rows: Readonly<Record<string, Status>>): Outcome => ({
  counts: { Pass: 100 - fails, FAIL: fails, Error: 1, Skip: 2, Disabled: 3 },
  rows: new Map(Object.entries(rows)),
  notPassed: [],
  commit: undefined,
  record: '',
})

const run = (registry: Registry, of: Outcome | undefined, changes: Partial<Run> = {}): Run => ({
  registry,
  suite: stable,
  again: false,
  outcome: of,
  problems: [],
  seconds: 1.25,
  ...changes,
})

const RUNS: readonly Run[] = [
  run(HELIPORT, outcome(0, { 'API: Blob get': 'Pass', 'API: Blob mount': 'Pass' })),
  run(HELIPORT, outcome(5, { 'API: Blob mount': 'FAIL' }), { again: true, problems: ['FAIL: x'] }),
  run(zot, outcome(4, { 'API: Blob get': 'Pass', 'API: Blob mount': 'Skip' })),
  run(distribution, undefined, { problems: ['it does not start'] }),
]

describe('the table of a run', () => {
  it('has a line for each, and says what of ours is not as it must be', () => {
    assert.deepEqual(terminalTable(RUNS).split('\n'), [
      'registry                  suite                  pass  fail    skip  disabled  seconds',
      'Heliport                  stable                 100   1       2     3         1.3      ok',
      'Heliport                  stable, after SIGKILL  95    6       2     3         1.3      1 NOT AS IT MUST BE',
      'zot v2.1.20               stable                 96    5       2     3         1.3      ok',
      'CNCF Distribution v3.1.2  stable                 no    result                  1.3',
    ])
  })

  it('tells the builds of a program apart', () => {
    assert.equal(titleOf(zotWithoutDedupe), 'zot v2.1.20, dedupe off')
    const titles = [HELIPORT, ...PEERS].map(titleOf)
    assert.equal(new Set(titles).size, titles.length)
  })
})

describe('what differs between registries', () => {
  it('is what has not the same status everywhere', () => {
    const compared = RUNS.filter(({ again, outcome: of }) => !again && of !== undefined)
    assert.deepEqual(differences(compared), [
      { row: 'API: Blob mount', statuses: ['Pass', 'Skip'] },
    ])
  })

  it('is also what only one has', () => {
    const others = [run(zot, outcome(0, { a: 'Pass' })), run(distribution, outcome(0, {}))]
    assert.deepEqual(differences(others), [{ row: 'a', statuses: ['Pass', 'none'] }])
  })
})

describe('the page of the conformance runs', () => {
  const lines = conformancePage(RUNS, {
    version: '1.2.3',
    node: '24.1.0',
    date: '2026-11-21',
  }).split('\n')

  it('has each registry in a line, with a link to the record', () => {
    const at = lines.indexOf('| Registry | Suite of 2026, spec 1.1 |')
    assert.deepEqual(lines.slice(at + 1, at + 6), [
      '| --- | --- |',
      '| Heliport | [100 / 1 / 2 / 3](heliport/stable.yaml) |',
      '| Heliport, after SIGKILL | [95 / 6 / 2 / 3](heliport/stable-after-kill.yaml) |',
      '| zot v2.1.20 | [96 / 5 / 2 / 3](zot/stable.yaml) |',
      '| CNCF Distribution v3.1.2 | did not end |',
    ])
  })

  it('says which version of what was run, when, and how', () => {
    const text = lines.join('\n')
    for (const part of [
      'run on 2026-11-21 against Heliport 1.2.3 (Node 24.1.0)',
      'commit `97274622c111`',
      'OCI_REPO2=conformance/repo2',
      'OCI_VERSION=1.1',
      'npm run tools -- conformance ',
      'storage.dedupe: true',
      '"API: Blob upload cancel"',
      '| API: Blob mount | Pass | Skip | none |',
    ])
      assert.ok(text.includes(part), part)
    assert.doesNotMatch(text, /undefined/)
  })
})
