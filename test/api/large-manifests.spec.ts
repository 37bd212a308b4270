import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { startApi } from '../support/http.ts'
import type { TestApi } from '../support/http.ts'

const TYPE = 'application/vnd.oci.image.manifest.v1+json'
const MIB = 1024 * 1024

const manifest = (bytes: number): string => {
  const empty = JSON.stringify({ schemaVersion: 2, mediaType: TYPE, annotations: { x: '' } })
  return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`)
}

describe('api: large manifests that nobody takes', () => {
  let api: TestApi
  before(async () => {
    api = await startApi({ limits: { blob: MIB, manifestBytes: 5 * MIB } })
    for (const [tag, bytes] of [['large', 4 * MIB] as const, ['small', 1000] as const]) {
      const { status } = await api.call('PUT', `/v2/a/manifests/${tag}`, { body: manifest(bytes) })
      assert.equal(status, 201)
    }
  })
  after(() => api.close())

  /** Asks for the large one, and reads the beginning of it only. */
  const slowReader = async () => {
    const socket = connect(api.port, '127.0.0.1')
    socket.write('GET /v2/a/manifests/large HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const [first] = (await once(socket, 'data')) as [Buffer]
    socket.pause()
    return { socket, first: first.toString('latin1') }
  }

  it('hold a bounded amount of memory: one more is asked to come back', async () => {
    const { socket, first } = await slowReader()
    assert.match(first, /^HTTP\/1\.1 200 /)
    const refused = await api.call('GET', '/v2/a/manifests/large')
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1'])
    assert.equal((await api.call('GET', '/v2/a/manifests/small')).status, 200, 'others go on')
    socket.destroy()
    let again = await api.call('GET', '/v2/a/manifests/large')
    // The server learns of the end in its own time.
    while (again.status === 503) again = await api.call('GET', '/v2/a/manifests/large')
    assert.deepEqual([again.status, again.body.length], [200, 4 * MIB])
  })

  it('give their memory back each time, however they are asked for', async () => {
    for (const method of ['GET', 'HEAD', 'GET', 'GET', 'HEAD', 'GET']) {
      assert.equal((await api.call(method, '/v2/a/manifests/large')).status, 200, method)
    }
  })
})
