import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const HOST = 'Host: localhost\r\n'

describe('api: uploads that are interrupted', () => {
  let api: TestApi
  let location: string
  beforeEach(async () => {
    api = await startApi({ limits: { blob: 1e6, bodyIdleMs: 250 } })
    location = (await api.call('POST', '/v2/a/blobs/uploads/')).headers.location!
  })
  afterEach(() => api.close())

  const patchHead = (length: number) =>
    `PATCH ${location} HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`
  const kept = (size: number) =>
    new Promise<void>((resolve) => {
      api.service.uploads.onKept = (_id, now) => {
        if (now >= size) resolve()
      }
    })
  const finish = (rest: string, whole: string) =>
    api.call('PUT', `${location}?digest=${digestOf(Buffer.from(whole))}`, { body: rest })

  /** The service notices a lost connection a little after it happened; its session then is free again. */
  const released = async () => {
    const [session] = api.service.uploads.sessions.values()
    while (session?.busy === true) await new Promise((resolve) => void setImmediate(resolve))
  }

  it('keeps what had arrived when the client goes away, and goes on from there', async () => {
    const client = api.raw()
    const arrived = kept(5)
    client.write(`${patchHead(100)}hello`)
    await arrived
    client.destroy()
    await released()
    const status = await api.call('GET', location)
    assert.deepEqual([status.status, status.headers.range], [204, '0-4'])
    assert.equal((await finish(' world', 'hello world')).status, 201)
  })

  it('keeps what had arrived when the client ends its side early', async () => {
    const client = api.raw()
    const arrived = kept(5)
    client.write(`${patchHead(100)}hello`)
    await arrived
    client.socket.end()
    await client.closed()
    await released()
    assert.equal((await api.call('GET', location)).headers.range, '0-4')
  })

  it('keeps what had arrived before a malformed chunk, and closes', async () => {
    const client = api.raw()
    const head = `PATCH ${location} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`
    const arrived = kept(5)
    client.write(`${head}5\r\nhello\r\n`)
    await arrived
    client.write('zz\r\nGET /v2/ HTTP/1.1\r\n\r\n')
    const received = await client.closed()
    assert.match(received, /^HTTP\/1\.1 400 /)
    assert.equal(received.match(/HTTP\/1\.1 /g)?.length, 1)
    await released()
    assert.equal((await api.call('GET', location)).headers.range, '0-4')
  })

  it('gives up a silent client with 408 and closes; the session can be resumed', async () => {
    const client = api.raw()
    client.write(`${patchHead(100)}hello`)
    const received = await client.closed()
    assert.match(received, /^HTTP\/1\.1 408 /)
    assert.match(received, /Connection: close/i)
    assert.equal((await api.call('GET', location)).headers.range, '0-4')
    assert.equal((await finish('!', 'hello!')).status, 201)
  })

  it('does not count the time in which the registry itself is busy', async () => {
    const { uploads } = api.service
    const append = uploads.append.bind(uploads)
    uploads.append = async (name, id, { source, range }) => {
      async function* slowly() {
        for await (const bytes of source) {
          yield bytes
          await new Promise((resolve) => void setTimeout(resolve, 120))
        }
      }
      return append(name, id, { source: slowly(), range })
    }
    const answer = await api.call('PATCH', location, { body: Buffer.alloc(200_000) })
    assert.deepEqual([answer.status, answer.headers.range], [202, '0-199999'])
  })

  it('lets one of two chunks at once through, and tells the other where the upload stands', async () => {
    const first = api.raw()
    const arrived = kept(3)
    first.write(`${patchHead(6)}aaa`)
    await arrived
    const second = await api.call('PATCH', location, { body: 'bbb' })
    assert.equal(second.status, 416)
    first.write('aaa')
    assert.match(await first.until(/\r\n\r\n/), /^HTTP\/1\.1 202 [^]*Range: 0-5\r\n/i)
    assert.equal((await finish('', 'aaaaaa')).status, 201)
  })

  it('forgets the session of a whole blob that broke off', async () => {
    const client = api.raw()
    const arrived = kept(3)
    const digest = digestOf(Buffer.from('x'))
    client.write(
      `POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`,
    )
    await arrived
    client.destroy()
    const { sessions } = api.service.uploads
    while (sessions.size > 1) await new Promise((resolve) => void setImmediate(resolve))
    assert.deepEqual([...sessions.keys()], [location.split('/').at(-1)])
  })

  it('ends a manifest that comes a byte now and then, for it holds memory that all share', async () => {
    const client = api.raw()
    client.write(`PUT /v2/a/manifests/v1 HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n`)
    const trickle = setInterval(() => client.write(' '), 5)
    const answer = await client.closed().finally(() => clearInterval(trickle))
    assert.match(answer, /^HTTP\/1\.1 408 [^]*too slowly/)
  })
})
