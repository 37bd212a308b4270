import assert from 'node:assert/strict'
import { ClientLimits } from '../../src/api/client-limits.ts'
import { LeastRate } from '../../src/api/least-rate.ts'
import { LimitTable } from '../../src/api/limit-table.ts'
import { Pace } from '../../src/api/pace.ts'
import { TokenBucket } from '../../src/api/token-bucket.ts'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { startApi } from '../support/http.ts'
import type { Access } from '../../src/access/ports.ts'
import type { Share } from '../../src/api/client-limits.ts'
import type { AppOptions } from '../../src/api/app.ts'
import type { TestApi } from '../support/http.ts'

const FREE: Share = {
  requests: null,
  burst: 1,
  openUploads: null,
  downloadRate: null,
  uploadRate: null,
}
const LOOPBACK = { address: '127.0.0.0', prefix: 8 }
const KiB = 1024

describe('api: limits of a client', () => {
  let api: TestApi | undefined
  let now = 0
  let clockReads = 0
  afterEach(() => api?.close())

  async function start(
    limits: { address?: Partial<Share>; user?: Partial<Share>; exempt?: (typeof LOOPBACK)[] },
    more: Partial<AppOptions> = {},
  ): Promise<TestApi> {
    now = 0
    const { address, user, exempt = [] } = limits
    const clientLimits = {
      exempt,
      address: { ...FREE, ...address },
      user: { ...FREE, ...user },
      now: () => {
        clockReads += 1
        return now
      },
    }
    return (api = await startApi({ clientLimits, ...more }))
  }

  /** Everybody is who his Authorization header says; how often that was asked is counted. */
  function named(): Access & { asked: number } {
    const access = {
      ...OPEN_ACCESS,
      asked: 0,
      authenticator: {
        ...OPEN_ACCESS.authenticator,
        identify: ({ authorization: [user] }: { authorization: readonly string[] }) => {
          access.asked += 1
          return Promise.resolve({ user, groups: [] })
        },
      },
    }
    return access
  }

  it('lets a burst of requests through, then as many as there may be, and says when', async () => {
    const { call } = await start({ address: { requests: 0.5, burst: 2 } })
    const statuses = async (count: number) => {
      const answers = []
      for (let i = 0; i < count; i++) answers.push((await call('GET', '/v2/')).status)
      return answers
    }
    assert.deepEqual(await statuses(3), [200, 200, 429])
    const refused = await call('GET', '/v2/')
    assert.equal(refused.code(), 'TOOMANYREQUESTS')
    assert.equal(refused.headers['retry-after'], '2')
    now += 1500
    assert.equal((await call('GET', '/v2/')).headers['retry-after'], '1')
    now += 500
    assert.deepEqual(await statuses(2), [200, 429])
    assert.equal((await call('GET', '/healthz')).status, 200)
  })

  it('counts a user wherever he comes from, and nobody else with him', async () => {
    const { call } = await start(
      { user: { requests: 1, burst: 1 }, exempt: [LOOPBACK] },
      { access: named() },
    )
    const ask = async (authorization: string) =>
      (await call('GET', '/v2/', { headers: { authorization } })).status
    assert.deepEqual([await ask('ann'), await ask('ann'), await ask('bob')], [200, 429, 200])
  })

  it('looks at no credentials of an address that has asked too much', async () => {
    const access = named()
    const { call } = await start({ address: { requests: 1, burst: 1 } }, { access })
    for (let i = 0; i < 5; i++) await call('GET', '/v2/', { headers: { authorization: 'ann' } })
    assert.equal(access.asked, 1)
  })

  it('does not count addresses that are exempt', async () => {
    const { call } = await start({ address: { requests: 1, burst: 1 }, exempt: [LOOPBACK] })
    for (let i = 0; i < 5; i++) assert.equal((await call('GET', '/v2/')).status, 200)
  })

  it('lets so many uploads be open, until one is finished, cancelled, or forgotten', async () => {
    const { call } = await start({ address: { openUploads: 2 } })
    const begin = () => call('POST', '/v2/a/blobs/uploads/')
    const [first, second, third] = [await begin(), await begin(), await begin()]
    assert.deepEqual([first.status, second.status, third.status], [202, 202, 429])
    assert.equal(third.code(), 'TOOMANYREQUESTS')
    assert.ok(Number(third.headers['retry-after']) > 0)
    assert.equal((await call('DELETE', first.headers.location ?? '')).status, 204)
    assert.equal((await begin()).status, 202)
    const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    const { status } = await call('PUT', `${second.headers.location}?digest=${empty}`)
    assert.equal(status, 201)
    assert.deepEqual([(await begin()).status, (await begin()).status], [202, 429])
    now += 3_600_001
    assert.equal((await begin()).status, 202)
  })

  it('sends and takes whole bodies under a rate', async () => {
    const rate = 1024 * KiB
    const { call, service } = await start(
      { address: { downloadRate: rate, uploadRate: rate } },
      { limits: { blob: 1024 * KiB } },
    )
    const bytes = Buffer.alloc(300 * KiB, 'x')
    const digest = service.addBlob('a', bytes)
    clockReads = 0
    assert.ok((await call('GET', `/v2/a/blobs/${digest}`)).body.equals(bytes))
    assert.equal(clockReads, 5, 'pieces of 64 KiB that took their time')
    const put = await call('POST', `/v2/b/blobs/uploads/?digest=${digest}`, { body: bytes })
    assert.equal(put.status, 201)
    assert.ok(clockReads > 5)
  })

  it('takes a manifest under a rate, and sends it, and what is made as a whole, in pieces under one', async () => {
    const rate = 64 * 1024 * KiB
    const { call, service } = await start({ address: { downloadRate: rate, uploadRate: rate } })
    const type = 'application/vnd.oci.image.manifest.v1+json'
    const filler = 'x'.repeat(300 * KiB)
    const body = JSON.stringify({ schemaVersion: 2, mediaType: type, layers: [], filler })
    const headers = { 'content-type': type }
    clockReads = 0
    assert.equal((await call('PUT', '/v2/a/manifests/big', { headers, body })).status, 201)
    assert.ok(clockReads > 0, 'each piece that came took its time')
    clockReads = 0
    assert.equal((await call('GET', '/v2/a/manifests/big')).body.length, body.length)
    assert.equal(clockReads, 5, 'pieces of 64 KiB that took their time')
    const { tags } = service.repository('a')
    const digest = tags.get('big')!
    for (let i = 0; i < 1000; i++) tags.set(`${'t'.repeat(100)}${i}`, digest)
    clockReads = 0
    const list = await call('GET', '/v2/a/tags/list?n=1000')
    assert.equal((list.json() as { tags: string[] }).tags.length, 1000)
    assert.equal(list.headers['content-length'], String(list.body.length))
    assert.equal(clockReads, 2)
    clockReads = 0
    assert.equal((await call('HEAD', '/v2/a/tags/list?n=1000')).body.length, 0)
    await call('GET', '/v2/')
    assert.equal(clockReads, 0)
  })
})

describe('api: the parts of limits', () => {
  it('a bucket is never fuller than its burst', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0)
    const later = Array.from({ length: 4 }, () => bucket.take(1_000_000) === undefined)
    assert.deepEqual(later, [true, true, true, false])
  })

  it('a pace gives each piece the time after the one before, and little is made up for', () => {
    const pace = new Pace(1000)
    assert.deepEqual([pace.take(500, 0), pace.take(500, 0), pace.take(100, 0)], [0, 400, 900])
    // Idle for an hour: a tenth of a second is made up for, and no more.
    assert.deepEqual([pace.take(500, 3_600_000), pace.take(500, 3_600_000)], [0, 400])
  })

  it('two that share a pace get as much', () => {
    const pace = new Pace(1000)
    const at = [0, 0]
    const sent = [0, 0]
    for (let i = 0; i < 1000; i++) {
      const next = (at[0] ?? 0) <= (at[1] ?? 0) ? 0 : 1
      const now = at[next] ?? 0
      at[next] = now + pace.take(10, now)
      sent[next] = (sent[next] ?? 0) + 10
    }
    assert.ok(Math.abs((sent[0] ?? 0) - (sent[1] ?? 0)) <= 120, String(sent))
  })

  it('a least rate is asked for over its window, and only while somebody waits', () => {
    const least = new LeastRate(512, 30_000)
    least.got(512 * 30 - 1)
    assert.equal(least.isMissedAfter(29_999), false)
    assert.equal(least.isMissedAfter(1), true)
    least.got(512 * 30)
    assert.equal(least.isMissedAfter(30_000), false)
    assert.equal(new LeastRate(0, 30_000).isMissedAfter(1e9), false)
  })

  it('a table forgets who was not there for longest', () => {
    const table = new LimitTable(() => ({}), 2)
    const [a, b] = [table.of('a'), table.of('b')]
    table.of('a')
    table.of('c')
    assert.equal(table.size, 2)
    assert.equal(table.of('a'), a)
    assert.notEqual(table.of('b'), b)
  })

  it('a million addresses take no more memory than the table has', () => {
    const limits = new ClientLimits({ exempt: [], address: { ...FREE, requests: 1 }, user: FREE })
    for (let i = 0; i < 100_000; i++)
      limits
        .allowance({
          address: `2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`,
          protocol: 'http',
          host: '',
          isForwarded: false,
        })
        .admit()
    assert.ok(limits.remembered <= 16_384)
  })
})
