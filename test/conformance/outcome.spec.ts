import assert from 'node:assert/strict'
import { parse } from 'yaml'
import { readOldOutcome, readOutcome } from './outcome.ts'

const RESULTS = `config:
  registry: 127.0.0.1:46493
  tls: disabled
  apis:
    blobs:
      uploadCancel: false
  resultsDir: /home/someone/results
  version: "1.1"
  commit: 967efdc079b91785ad18c77cc4f8991a47feefbf
apis:
  Blob anonymous mount: Skip
  Blob get: FAIL
  Blob upload cancel: Disabled
  Ping: Pass
data:
  Blobs sha256: Pass
`

/** As the newer suite writes it: what was sent and received stands before a reason. */
const JUNIT = `<testsuites time="4.4" tests="7" errors="1" failures="1" skipped="1" disabled="1">
  <testsuite name="OCI Conformance Test" tests="7" failures="1" errors="1" disabled="1" skipped="1" time="4.4">
    <properties><property name="Config" value="a: &#34;b&#34;&#xA;"></property></properties>
    <testcase name="OCI Conformance Test/ping" classname="" time="0.002187" status="passed">
      <system-err>~~~ REQUEST ~~~&#xA;Method: GET&#xA;</system-err>
    </testcase>
    <testcase name="OCI Conformance Test/blobs/get" classname="" time="0.1" status="failure">
      <system-out>expected [200]&#xA;received &lt;500&gt; &amp; &#34;no&#34;</system-out>
      <system-err>~~~ REQUEST ~~~&#xA;</system-err>
    </testcase>
    <testcase name="OCI Conformance Test/blobs/mount anonymous" classname="" time="0.1" status="skipped">
      <system-out>registry returned status 202, fell back to blob POST+PUT</system-out>
    </testcase>
    <testcase name="OCI Conformance Test/blobs/cancel" classname="" time="0.000012" status="skipped">
      <system-err>~~~&#xA;OCI Conformance Test/blobs/cancel: skipping test:&#xA;  api Blob upload cancel is disabled in the configuration&#xA;</system-err>
    </testcase>
    <testcase name="OCI Conformance Test/blobs/put" classname="" time="0.1" status="error"></testcase>
  </testsuite>
</testsuites>`

const NEW = 'OCI Conformance Test'

describe('what the newer suite wrote', () => {
  it('is read: counts, the status of each row, and what did not pass', () => {
    const { counts, rows, notPassed, commit } = readOutcome(RESULTS, JUNIT)
    assert.deepEqual(counts, { Pass: 3, FAIL: 1, Error: 1, Skip: 1, Disabled: 1 })
    assert.equal(commit, '967efdc079b91785ad18c77cc4f8991a47feefbf')
    assert.deepEqual(
      [...rows],
      [
        ['API: Blob anonymous mount', 'Skip'],
        ['API: Blob get', 'FAIL'],
        ['API: Blob upload cancel', 'Disabled'],
        ['API: Ping', 'Pass'],
        ['Data: Blobs sha256', 'Pass'],
      ],
    )
    const disabled = 'api Blob upload cancel is disabled in the configuration'
    const fell = 'registry returned status 202, fell back to blob POST+PUT'
    assert.deepEqual(notPassed, [
      { name: `${NEW}/blobs/get`, status: 'FAIL', why: 'expected [200]\nreceived <500> & "no"' },
      { name: `${NEW}/blobs/mount anonymous`, status: 'Skip', why: fell },
      { name: `${NEW}/blobs/cancel`, status: 'Disabled', why: disabled },
      { name: `${NEW}/blobs/put`, status: 'Error', why: '' },
    ])
  })

  it('is kept without what is only true of this machine', () => {
    const { record } = readOutcome(RESULTS, JUNIT)
    assert.doesNotMatch(record, /home|127\.0\.0\.1|results/)
    const kept = parse(record) as Record<string, Record<string, unknown>>
    assert.deepEqual(kept['config'], {
      tls: 'disabled',
      apis: { blobs: { uploadCancel: false } },
      version: '1.1',
      commit: '967efdc079b91785ad18c77cc4f8991a47feefbf',
    })
    assert.deepEqual(kept['notPassed'], [
      `FAIL: ${NEW}/blobs/get`,
      `Skip: ${NEW}/blobs/mount anonymous`,
      `Disabled: ${NEW}/blobs/cancel`,
      `Error: ${NEW}/blobs/put`,
    ])
  })

  it('is refused when it is not whole', () => {
    assert.throws(() => readOutcome('', JUNIT), /no config/)
    assert.throws(() => readOutcome('config: {}\n', JUNIT), /no config, no apis/)
    assert.throws(() => readOutcome(RESULTS, JUNIT.slice(0, -30)), /no whole JUnit report/)
    assert.throws(() => readOutcome(RESULTS, ''), /no whole JUnit report/)
  })

  it('is an error where it uses a word that we do not know', () => {
    const unknown = RESULTS.replace('Ping: Pass', 'Ping: Unknown')
    assert.equal(readOutcome(unknown, JUNIT).rows.get('API: Ping'), 'Error')
  })
})

const OLD = 'OCI Distribution Conformance Tests'

const spec = (name: string, status: string, body = ''): string =>
  `<testcase name="${name}" classname="conformance tests" status="${status}" time="0.1">${body}
   <system-err>&gt; Enter [It] - /build/conformance/01_pull_test.go:18</system-err></testcase>`

const ginkgo = (...cases: string[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
  <testsuites tests="5" disabled="1" errors="0" failures="1" time="0.6">
    <testsuite name="conformance tests" package="/build" tests="5" disabled="0" skipped="1" errors="0" failures="1">
    ${cases.join('\n')}</testsuite></testsuites>`

describe('what the older suite wrote', () => {
  it('is read, without its reporters', () => {
    const failure =
      '<failure message="Expected&#xA;    &lt;int&gt;: 400&#xA;to equal&#xA;    &lt;int&gt;: 404" type="failed">…</failure>'
    const xml = ginkgo(
      spec(`${OLD} Pull blob`, 'passed'),
      spec(`[It] ${OLD} Pull manifest`, 'failed', failure),
      spec(`${OLD} Push mount`, 'skipped', '<skipped message="skipped - not asked"></skipped>'),
      spec('html custom reporter', 'passed'),
    )
    const { counts, rows, notPassed, record } = readOldOutcome(xml, { OCI_TEST_PULL: '1' })
    assert.deepEqual(counts, { Pass: 1, FAIL: 1, Error: 0, Skip: 1, Disabled: 0 })
    assert.deepEqual(Object.fromEntries(rows), {
      'Pull blob': 'Pass',
      'Pull manifest': 'FAIL',
      'Push mount': 'Skip',
    })
    assert.deepEqual(
      notPassed.map(({ name, why }) => [name, why]),
      [
        ['Pull manifest', 'Expected\n    <int>: 400\nto equal\n    <int>: 404'],
        ['Push mount', 'skipped - not asked'],
      ],
    )
    assert.doesNotMatch(record, /build|\.go/)
    assert.match(record, /OCI_TEST_PULL: "1"/)
  })

  it('shows the worst of the specs that have one name, and counts them all', () => {
    const xml = ginkgo(
      spec(`${OLD} Pull setup`, 'failed'),
      spec(`${OLD} Pull setup`, 'passed'),
      spec(`${OLD} Pull setup`, 'skipped'),
    )
    const { counts, rows } = readOldOutcome(xml, {})
    assert.deepEqual([...rows], [['Pull setup', 'FAIL']])
    assert.deepEqual([counts.Pass, counts.FAIL, counts.Skip], [1, 1, 1])
  })

  it('never takes what did not end for passed', () => {
    for (const status of ['panicked', 'timedout', 'interrupted', 'aborted', 'pending', '']) {
      const { counts } = readOldOutcome(ginkgo(spec(`${OLD} Pull blob`, status)), {})
      assert.deepEqual([counts.Pass, counts.Error], [0, 1], status)
    }
  })
})
