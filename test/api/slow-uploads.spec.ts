import assert from 'node:assert/strict'
import { startApi } from '../support/http.ts'
import type { ApiLimits } from '../../src/api/context.ts'
import type { TestApi } from '../support/http.ts'

describe('api: an upload that comes too slowly', () => {
  let api: TestApi
  let trickle: NodeJS.Timeout | undefined
  afterEach(async () => {
    clearInterval(trickle)
    await api.close()
  })

  /** Begins an upload of `total` bytes, of which one comes now and then, though never too late. */
  async function begin(limits: Partial<ApiLimits>, total: number) {
    api = await startApi({ limits: { blob: 1_000_000, bodyIdleMs: 1000, ...limits } })
    const { headers } = await api.call('POST', '/v2/a/blobs/uploads/')
    const location = headers.location ?? ''
    const client = api.raw()
    client.write(
      `PATCH ${location} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${total}\r\n\r\n`,
    )
    let left = total
    trickle = setInterval(() => {
      if (left-- > 0) client.write('x')
      else clearInterval(trickle)
    }, 20)
    return { client, location }
  }

  it('is cut off, and what came is kept', async () => {
    const { client, location } = await begin({ minUploadRate: 100_000 }, 100_000)
    assert.match(await client.closed(), /^HTTP\/1\.1 408 [^]*fewer than 100000 bytes a second/)
    const { headers } = await api.call('GET', location)
    assert.match(headers['range'] as string, /^0-[1-9]/)
  })

  it('may take its time where any byte will do', async () => {
    const { client } = await begin({ minUploadRate: 0 }, 30)
    assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1\.1 202 /)
  })
})
