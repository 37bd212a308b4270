import assert from 'node:assert/strict'
import { readinessOf } from '../../src/daemon/status.ts'

type Parts = Parameters<typeof readinessOf>[0]

/** A daemon in some trouble, of which each part tells all it knows. */
function daemon(trouble: { stopped?: Error; low?: string; conflict?: string; audit?: string }) {
  const { stopped, low, conflict, audit = null } = trouble
  return {
    storage: { stopped: () => stopped },
    room: { shortage: async () => low },
    publisher: { status: () => ({ conflict }) },
    audit: { status: () => ({ error: audit, lost: 0 }) },
  } as unknown as Parts
}

const SECRET = 'EACCES: /srv/secret bafybeiroot 17 MiB'

describe('the readiness', () => {
  it('is there when nothing is wrong, also without an audit log and a publisher', async () => {
    assert.deepEqual(await readinessOf(daemon({})), { ready: true })
    const without = { ...daemon({}), publisher: undefined, audit: undefined }
    assert.deepEqual(await readinessOf(without), { ready: true })
  })

  const kinds: [string, Parameters<typeof daemon>[0], RegExp][] = [
    ['a disk that failed', { stopped: new Error(SECRET) }, /"ready":false.*its disk failed/],
    ['a disk that is full', { low: SECRET }, /"ready":false.*nearly full/],
    ['another writer', { conflict: SECRET }, /"ready":true.*another writer/],
    ['an audit log that cannot be written', { audit: SECRET }, /"ready":true.*audit log/],
  ]
  for (const [what, trouble, kind] of kinds)
    it(`tells everybody of ${what}, and nothing of what it is about`, async () => {
      const text = JSON.stringify(await readinessOf(daemon(trouble)))
      assert.match(text, kind)
      assert.doesNotMatch(text, /EACCES|secret|bafy|17/)
    })
})
