import assert from 'node:assert/strict'
import { once } from 'node:events'
import { RawClient, startApi } from '../support/http.ts'
import { Certificates } from '../support/certificate.ts'
import { connect } from 'node:tls'
import type { RefusedRequest } from '../../src/api/audit.ts'

const GET = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

describe('api: connections of one address', () => {
  async function connected(port: number): Promise<RawClient> {
    const client = new RawClient(port)
    await once(client.socket, 'connect')
    return client
  }

  it('beyond its own are told so, others are closed, and room is made by those that go', async () => {
    const api = await startApi({}, { perAddress: { most: 1, exempt: [] } })
    const first = await connected(api.port)
    await first.write(GET).until(/ok/)
    const second = await connected(api.port)
    const answer = second.write(GET).until(/TOOMANYREQUESTS/)
    const third = await connected(api.port)
    assert.equal(await third.closed(), '')
    assert.match(await answer, /^HTTP\/1\.1 429 [^]*Retry-After: \d/)
    await second.closed()
    first.destroy()
    for (let status = 0; status !== 200;)
      status = (await api.call('GET', '/healthz').catch(() => ({ status: 0 }))).status
    await api.close()
  })

  it('beyond its own are told of, by the id that their sender was given', async () => {
    const refused: RefusedRequest[] = []
    const perAddress = { most: 1, exempt: [] }
    const api = await startApi({}, { perAddress, onRefused: (each) => void refused.push(each) })
    const first = await connected(api.port)
    await first.write(GET).until(/ok/)
    const second = await connected(api.port)
    const answer = await second.write(GET).until(/X-Request-Id: .+\r/)
    const [, request] = /X-Request-Id: (\S+)/.exec(answer) ?? []
    assert.deepEqual(refused, [{ request, address: '127.0.0.1' }])
    await api.close()
  })

  it('are not counted where it is exempt', async () => {
    const exempt = [{ address: '127.0.0.0', prefix: 8 }]
    const api = await startApi({}, { perAddress: { most: 1, exempt } })
    const clients = await Promise.all([1, 2, 3].map(() => connected(api.port)))
    for (const client of clients) await client.write(GET).until(/ok/)
    await api.close()
  })

  it('are told over TLS as well', async () => {
    await using made = await Certificates.open()
    const tls = { ...(await made.make('one')), minVersion: 1.2 as const }
    const api = await startApi({}, { tls, perAddress: { most: 1, exempt: [] } })
    const open = async () => {
      const socket = connect({ port: api.port, host: '127.0.0.1', rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      return socket
    }
    const [first, second] = [await open(), await open()]
    second.write(GET)
    const [answer] = (await once(second, 'data')) as [Buffer]
    assert.match(String(answer), /^HTTP\/1\.1 429 /)
    first.destroy()
    second.destroy()
    await api.close()
  })
})
