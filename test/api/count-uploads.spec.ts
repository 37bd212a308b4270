import assert from 'node:assert/strict'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import { APP, createRegistry } from '../support/registry-setup.ts'
import type { Access } from '../../src/access/ports.ts'
import type { TestApi } from '../support/http.ts'

const FREE = { requests: null, burst: 1, openUploads: null, downloadRate: null, uploadRate: null }
const LIMIT = 2
const BYTES = Buffer.from('a layer')
const DIGEST = digestOf(BYTES)
const OTHER = digestOf(Buffer.from('another layer'))

/** Everybody is who his Authorization header says. */
const NAMED: Access = {
  ...OPEN_ACCESS,
  authenticator: {
    ...OPEN_ACCESS.authenticator,
    identify: ({ authorization: [user] }) => Promise.resolve({ user, groups: [] }),
  },
}

describe('api: how many uploads of a client are open', () => {
  let api: TestApi
  let setup: Awaited<ReturnType<typeof createRegistry>>
  beforeEach(async () => {
    setup = await createRegistry({ maxSessions: 100 })
    const [address, user] = [FREE, { ...FREE, openUploads: LIMIT }]
    const clientLimits = { exempt: [], address, user }
    api = await startApi({ service: setup.service, access: NAMED, clientLimits })
  })
  afterEach(() => api.close())

  const send = (method: string, path: string, body?: Uint8Array, authorization = 'ann') =>
    api.call(method, path, { headers: { authorization }, ...(body && { body }) })
  const begin = (user = 'ann') => send('POST', `/v2/${APP}/blobs/uploads/`, undefined, user)
  /** As many as may be. */
  async function fill(): Promise<string[]> {
    const locations = []
    for (let i = 0; i < LIMIT; i++) {
      const { status, headers } = await begin()
      assert.equal(status, 202)
      locations.push(headers.location!)
    }
    return locations
  }
  async function isFull(): Promise<void> {
    assert.equal((await begin()).status, 429)
    assert.equal((await begin('bob')).status, 202, 'and for nobody else')
  }
  const room = async () => assert.equal((await begin()).status, 202)

  /** What goes wrong with an upload, and leaves it open. */
  const mistakes: [string, number, (location: string) => Promise<{ status: number }>][] = [
    ['no digest', 400, (to) => send('PUT', to)],
    ['a malformed digest', 400, (to) => send('PUT', `${to}?digest=md5:x`)],
    ['two digests', 400, (to) => send('PUT', `${to}?digest=${DIGEST}&digest=${OTHER}`)],
    ['another repository', 404, (to) => send('GET', to.replace(APP, 'team/other'))],
    ['another user who cancels it', 404, (to) => send('DELETE', to, undefined, 'bob')],
    ['a body out of order', 416, (to) => sendRange(to)],
  ]
  const sendRange = (to: string) => {
    const headers = { authorization: 'ann', 'content-range': '5-6' }
    return api.call('PATCH', to, { headers, body: 'xy' })
  }
  for (const [what, expected, mistake] of mistakes)
    it(`counts one still, after ${what}`, async () => {
      for (const location of await fill()) {
        assert.equal((await mistake(location)).status, expected)
        assert.equal((await send('GET', location)).status, 204, 'it is open')
      }
      await isFull()
    })

  /** What ends an upload. */
  const ends: [string, (location: string) => Promise<unknown>][] = [
    ['it is finished', (to) => send('PUT', `${to}?digest=${DIGEST}`, BYTES)],
    [
      'its content is not what its digest says',
      (to) => send('PUT', `${to}?digest=${OTHER}`, BYTES),
    ],
    ['it is cancelled', (to) => send('DELETE', to)],
    [
      'its repository is deleted',
      async () => {
        await send('POST', `/v2/${APP}/blobs/uploads/?digest=${DIGEST}`, BYTES, 'bob')
        await setup.service.deleteRepository(APP)
      },
    ],
    [
      'it is given up',
      async () => {
        setup.clock.advance(8 * 86_400_000)
        await setup.uploads.purge()
      },
    ],
  ]
  for (const [what, end] of ends)
    it(`counts one no more, once ${what}`, async () => {
      const [first] = await fill()
      await isFull()
      await end(first!)
      assert.equal((await send('GET', first!)).status, 404)
      await room()
    })

  it('counts one no more that is cancelled while it is sent, nor twice less', async () => {
    const [first] = await fill()
    const client = api.raw()
    const head = 'Host: localhost\r\nAuthorization: ann\r\nContent-Length: 900000\r\n\r\n'
    client.write(`PATCH ${first} HTTP/1.1\r\n${head}hel`)
    while ((await send('GET', first!)).headers.range !== '0-2');
    await Promise.all([1, 2].map(() => send('DELETE', first!)))
    await client.until(/BLOB_UPLOAD_UNKNOWN/)
    client.destroy()
    await room()
    await isFull()
  })
})
