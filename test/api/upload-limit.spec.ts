import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import { createRegistry } from '../support/registry-setup.ts'
import type { TestApi } from '../support/http.ts'

const START = '/v2/a/blobs/uploads/'
const HOUR = 3_600_000
const BYTES = Buffer.from('a layer')
const DIGEST = digestOf(BYTES)

describe('api: uploads that are begun and never finished (B15)', () => {
  let api: TestApi
  let setup: Awaited<ReturnType<typeof createRegistry>>
  beforeEach(async () => {
    setup = await createRegistry({ maxSessions: 5 })
    api = await startApi({ service: setup.service })
  })
  afterEach(() => api.close())

  const begin = () => api.call('POST', START)
  const fill = () => Promise.all(Array.from({ length: 5 }, begin))
  const refused = async (path: string, body?: Uint8Array) => {
    const answer = await api.call('POST', path, body === undefined ? {} : { body })
    assert.deepEqual([answer.status, answer.code()], [429, 'TOOMANYREQUESTS'], path)
    assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/)
  }

  it('are bounded, however they are begun, and the rest goes on', async () => {
    const { headers } = await api.call('POST', `${START}?digest=${DIGEST}`, { body: BYTES })
    const [first] = await fill()
    await refused(START)
    await refused(`${START}?digest=${DIGEST}`, BYTES)
    await refused(`${START}?mount=${DIGEST}&from=nobody`)
    assert.equal((await setup.uploadStore.list()).length, 5)
    assert.equal((await api.call('GET', headers.location!)).status, 200)
    const mounted = await api.call('POST', `/v2/b/blobs/uploads/?mount=${DIGEST}`)
    assert.equal(mounted.status, 201, 'a mount needs no session')
    const finish = `${first!.headers.location}?digest=${DIGEST}`
    assert.equal((await api.call('PUT', finish, { body: BYTES })).status, 201)
    assert.equal((await begin()).status, 202, 'there is room for the next one')
    await refused(START)
  })

  it('make room when they are cancelled', async () => {
    const [first] = await fill()
    await refused(START)
    assert.equal((await api.call('DELETE', first!.headers.location!)).status, 204)
    assert.equal((await begin()).status, 202)
  })

  it('make room for others when nobody came back to them for an hour', async () => {
    const [idle, asked, written] = (await fill()).map(({ headers }) => headers.location!)
    setup.clock.advance(HOUR / 2)
    await api.call('GET', asked!)
    await api.call('PATCH', written!, { body: 'x' })
    await refused(START)
    setup.clock.advance(HOUR / 2 + 1)
    const answers = await fill()
    assert.equal(answers.filter(({ status }) => status === 202).length, 3)
    await refused(START)
    assert.equal((await api.call('PATCH', idle!, { body: 'x' })).status, 404)
    for (const location of [asked, written]) {
      assert.equal((await api.call('GET', location!)).status, 204)
    }
  })

  it('are gone after a week, with all that they hold', async () => {
    const [location] = (await fill()).map(({ headers }) => headers.location!)
    setup.clock.advance(1)
    await api.call('PATCH', location!, { body: BYTES })
    setup.clock.advance(7 * 24 * HOUR)
    assert.equal(await setup.uploads.purge(), 4)
    setup.clock.advance(1)
    assert.equal(await setup.uploads.purge(), 1)
    assert.deepEqual(await setup.uploadStore.list(), [])
    assert.equal((await api.call('GET', location!)).status, 404)
    for (const { status } of await fill()) assert.equal(status, 202)
  })
})
