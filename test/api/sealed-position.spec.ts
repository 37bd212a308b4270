import assert from 'node:assert/strict'
import { SealedPositions, UnknownSeal } from '../../src/api/sealed-position.ts'
import { startApi } from '../support/http.ts'
import { MemoryService } from '../support/memory-service.ts'
import type { NamePage, Page } from '../../src/registry/ports.ts'

describe('api: where a list goes on behind what its reader may not see', () => {
  it('is sealed: the same name never looks the same, nor its length', () => {
    const positions = new SealedPositions()
    const [one, other, long] = ['secret', 'secret', 'a'.repeat(255)].map((name) =>
      positions.seal(name),
    )
    assert.notEqual(one, other)
    assert.equal(one?.length, long?.length)
    assert.equal(positions.open(one ?? ''), 'secret')
    assert.equal(positions.open(long ?? ''), 'a'.repeat(255))
    assert.equal(positions.open('team/app'), 'team/app')
  })

  it('is opened by who sealed it alone, as it was', () => {
    const sealed = new SealedPositions().seal('secret')
    const other = new SealedPositions()
    const own = other.seal('secret')
    const middle = own.length / 2
    const changed = own.slice(0, middle) + (own[middle] === 'A' ? 'B' : 'A') + own.slice(middle + 1)
    for (const wrong of [sealed, changed, '~', '~abc', own.slice(0, -4), `${own}AAAA`])
      assert.throws(() => other.open(wrong), UnknownSeal, wrong)
  })

  it('is behind Link, also of an empty page, and the list goes on there', async () => {
    const asked: Page[] = []
    class Service extends MemoryService {
      override async listRepositories(page: Page): Promise<NamePage> {
        asked.push(page)
        const isFirst = page.after === undefined
        return isFirst
          ? { names: [], more: false, stoppedAt: 'secret/app', notices: [] }
          : { names: ['team/app'], more: false, notices: [] }
      }
    }
    const api = await startApi({ service: new Service() })
    try {
      const first = await api.call('GET', '/v2/_catalog?n=5')
      assert.deepEqual(first.json(), { repositories: [] })
      const [, next = ''] = /^<(.+)>; rel="next"$/.exec(String(first.headers['link'])) ?? []
      assert.doesNotMatch(next, /secret/)
      const second = await api.call('GET', next)
      assert.deepEqual(second.json(), { repositories: ['team/app'] })
      assert.equal(second.headers['link'], undefined)
      assert.deepEqual(asked, [
        { ...asked[0], after: undefined, limit: 5 },
        { ...asked[1], after: 'secret/app', limit: 5 },
      ])
      const strange = await api.call('GET', `/v2/_catalog?last=${new SealedPositions().seal('a')}`)
      assert.deepEqual([strange.status, strange.code()], [400, 'UNSUPPORTED'])
    } finally {
      await api.close()
    }
  })
})
