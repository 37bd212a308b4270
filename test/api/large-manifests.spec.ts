import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { startApi } from '../support/http.ts'
import { MemoryService } from '../support/memory-service.ts'
import type { TestApi } from '../support/http.ts'

const TYPE = 'application/vnd.oci.image.manifest.v1+json'
const MIB = 1024 * 1024
/** Far more than the sockets of a slow reader take, so that the rest stays in our memory. */
const LARGE = 48 * MIB

describe('api: large manifests that nobody takes', () => {
  let api: TestApi
  before(async () => {
    const service = new MemoryService()
    const bytes = Buffer.alloc(LARGE)
    const digest = service.addBlob('a', bytes)
    const getManifest = service.getManifest.bind(service)
    service.getManifest = async (name, reference) =>
      reference.kind === 'tag' && reference.tag === 'large'
        ? { digest, mediaType: TYPE, bytes, notices: [] }
        : getManifest(name, reference)
    api = await startApi({ service, limits: { blob: MIB, manifestBytes: LARGE + MIB } })
    const small = JSON.stringify({ schemaVersion: 2, mediaType: TYPE })
    assert.equal((await api.call('PUT', '/v2/a/manifests/small', { body: small })).status, 201)
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

  /** The server learns of the end of an answer in its own time. */
  const untilFree = async (method: string) => {
    let answer = await api.call(method, '/v2/a/manifests/large')
    while (answer.status === 503) answer = await api.call(method, '/v2/a/manifests/large')
    return answer
  }

  it('hold a bounded amount of memory: one more is asked to come back', async () => {
    const { socket, first } = await slowReader()
    assert.match(first, /^HTTP\/1\.1 200 /)
    const refused = await api.call('GET', '/v2/a/manifests/large')
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1'])
    assert.equal((await api.call('GET', '/v2/a/manifests/small')).status, 200, 'others go on')
    socket.destroy()
    const again = await untilFree('GET')
    assert.deepEqual([again.status, again.body.length], [200, LARGE])
  })

  it('give their memory back each time, however they are asked for', async () => {
    for (const method of ['GET', 'HEAD', 'GET', 'HEAD']) {
      assert.equal((await untilFree(method)).status, 200, method)
    }
  })
})
