import assert from 'node:assert/strict'
import { small } from './fixtures.ts'
import type { Story } from './row.ts'
import type { Target } from './target.ts'

export async function listsOnceWhatStays({ client }: Target): Promise<void> {
  const kept = Array.from({ length: 12 }, (_, n) => `kept-${String(n).padStart(2, '0')}`)
  for (const tag of kept) await client.pushImage('churn', small, { tag })
  let done = false
  const churn = (async () => {
    for (let n = 0; !done; n++) {
      await client.putManifest('churn', `kept-${n % 12}-x`, small)
      await client.expect(202, 'DELETE', `/v2/churn/manifests/kept-${n % 12}-x`)
    }
  })()
  for (let round = 0; round < 10; round++) {
    const seen: string[] = []
    let next: string | undefined = '/v2/churn/tags/list?n=3'
    while (next !== undefined) {
      const answer = await client.expect(200, 'GET', next)
      seen.push(...(answer.json() as { tags: string[] }).tags)
      next = /<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1]
    }
    assert.deepEqual(
      seen.filter((tag) => !tag.endsWith('-x')),
      kept,
    )
    assert.deepEqual(seen, seen.toSorted())
  }
  done = true
  await churn
}

/** All headers but those that are another's at every answer. */
export function headOf(path: string, status = 200): Story {
  return async (target) => {
    const [get, head] = [await target.call('GET', path), await target.call('HEAD', path)]
    assert.deepEqual([get.status, head.status, head.body.length], [status, status, 0])
    for (const { headers } of [get, head])
      for (const name of ['date', 'x-request-id']) delete headers[name]
    assert.deepEqual(head.headers, get.headers)
    assert.equal(get.headers['content-length'], String(get.body.length))
  }
}

export function isKnown(path: string): Story {
  return async (target: Target) => {
    const etag = String((await target.call('HEAD', path)).headers.etag)
    for (const method of ['GET', 'HEAD']) {
      for (const given of [etag, `W/${etag}`, '*', `"x", ${etag}`]) {
        const headers = { 'If-None-Match': given }
        const { status, body } = await target.call(method, path, { headers })
        assert.deepEqual([status, body.length], [304, 0], `${method} ${given}`)
      }
      const headers = { 'If-None-Match': '"x"' }
      assert.equal((await target.call(method, path, { headers })).status, 200)
    }
  }
}
