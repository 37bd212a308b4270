import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { OPEN_ACCESS } from '../../src/access/open.ts'
import { createApp } from '../../src/api/app.ts'
import { listen } from '../../src/api/server.ts'
import { call, RawClient, startApi } from '../support/http.ts'
import { MemoryService } from '../support/memory-service.ts'
import type { AddressInfo, Socket } from 'node:net'
import type { Handler } from '../../src/api/connections.ts'

const log = pino({ level: 'silent' })
const app = () =>
  createApp({
    service: new MemoryService(),
    access: OPEN_ACCESS,
    hosts: [],
    status: () => ({}),
    readiness: () => ({ ready: true }),
    version: 'test',
    limits: { blob: 1 },
    log,
  })
const LOOPBACK = { host: '127.0.0.1', port: 0, log }
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`

describe('api: the server', () => {
  it('takes a free port for port 0 and tells it', async () => {
    const server = await listen(app(), LOOPBACK)
    assert.equal(server.address, `http://127.0.0.1:${server.port}`)
    assert.equal((await call({ port: server.port! }, 'GET', '/v2/')).status, 200)
    await server.close()
  })

  it('says in one line which setting has an address that cannot be had', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await assert.rejects(listen(app(), { host: '127.0.0.1', port, log }), {
      message: `cannot listen on http.addr 127.0.0.1:${port}: the address is already in use`,
    })
    await assert.rejects(
      listen(app(), { host: '192.0.2.1', port: 0, log }),
      /http\.addr 192\.0\.2\.1:0/,
    )
    other.close()
  })

  it('does not start when it is already told to stop', async () => {
    const signal = AbortSignal.abort()
    await assert.rejects(listen(app(), { ...LOOPBACK, signal }), {
      name: 'AbortError',
    })
  })

  it('closes a connection whose headers do not come, however slowly they trickle', async () => {
    const server = await listen(app(), { ...LOOPBACK, headersTimeoutMs: 100 })
    const [silent, slow] = [new RawClient(server.port!), new RawClient(server.port!)]
    slow.write('GET /v2/ HTTP/1.1\r\nX-A: ')
    const trickle = setInterval(() => slow.write('a'), 10)
    const [, answer] = await Promise.all([silent.closed(), slow.closed()])
    clearInterval(trickle)
    assert.match(answer, /^HTTP\/1\.1 408 [^]*"errors"/)
    await server.close()
  })

  it('tells the first connections beyond its bound so, and closes the others as they come', async () => {
    const server = await listen(app(), { ...LOOPBACK, maxConnections: 1 })
    const [first, second, third] = await Promise.all(
      [1, 2, 3].map(async () => {
        const client = new RawClient(server.port!)
        await once(client.socket, 'connect')
        return client
      }),
    )
    assert.equal(await third!.closed(), '')
    second!.write(get('/healthz'))
    assert.match(await second!.closed(), /^HTTP\/1\.1 503 [^]*Retry-After: 5\r\n[^]*UNAVAILABLE/)
    first!.write(get('/healthz'))
    await first!.until(/ok/)
    await server.close()
    await first!.closed()
  })

  it('closes the connection that nobody uses for one that somebody may', async () => {
    let now = 10_000
    const server = await listen(app(), { ...LOOPBACK, maxConnections: 2, now: () => now })
    const [idle, used] = [new RawClient(server.port!), new RawClient(server.port!)]
    for (const client of [idle, used]) await client.write(get('/healthz')).until(/ok/)
    now += 1000
    const early = new RawClient(server.port!)
    // Who was answered a second ago may have sent the next request already.
    assert.match(await early.write(get('/healthz')).closed(), /^HTTP\/1\.1 503 /)
    now += 2000
    const third = new RawClient(server.port!)
    await third.write(get('/healthz')).until(/^HTTP\/1\.1 200 /)
    await idle.closed()
    await used.write(get('/v2/')).until(/\{\}/)
    await Promise.all([server.close(), used.closed(), third.closed()])
  })
})

describe('api: stopping the server', () => {
  /** A request that is being handled, and the means to let it end. */
  async function heldRequest() {
    const api = await startApi()
    const entered = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    api.service.listRepositories = async () => {
      entered.resolve()
      await held.promise
      return { names: [], more: false, notices: [] }
    }
    const client = api.raw()
    client.write(get('/v2/_catalog'))
    await entered.promise
    return { api, client, release: held.resolve }
  }

  it('lets running requests end, closes idle connections, and takes no new ones', async () => {
    const { api, client, release } = await heldRequest()
    const idle = api.raw()
    idle.write(get('/healthz'))
    await idle.until(/ok/)
    const closed = api.listener.close()
    await idle.closed()
    assert.equal(await api.raw().closed(), '')
    assert.equal(client.received, '')
    release()
    const received = await client.closed()
    assert.match(received, /^HTTP\/1\.1 200 /)
    assert.match(received, /Connection: close\r\n/)
    assert.match(received, /"repositories":\[\]/)
    await closed
    await api.listener.close()
  })

  it('refuses requests that come on a connection that is in use', async () => {
    const started = Promise.withResolvers<Socket>()
    const held = Promise.withResolvers<void>()
    const handler: Handler = async (req, res) => {
      res.write('begun')
      started.resolve(req.socket)
      await held.promise
      res.end('ended')
    }
    const server = await listen({ callback: () => handler }, LOOPBACK)
    const client = new RawClient(server.port!)
    client.write(get('/'))
    const socket = await started.promise
    await client.until(/begun/)
    const closed = server.close()
    const second = get('/again')
    const read = socket.bytesRead + second.length
    client.write(second)
    while (socket.bytesRead < read) await new Promise((resolve) => void setImmediate(resolve))
    held.resolve()
    const [, first, refusal] = (await client.closed()).split('HTTP/1.1 ')
    assert.match(first ?? '', /^200 [^]*ended/)
    assert.match(refusal ?? '', /^503 [^]*UNAVAILABLE/)
    assert.match(refusal ?? '', /Retry-After: 5\r\n/)
    assert.match(refusal ?? '', /Connection: close\r\n/)
    await closed
  })

  it('cuts what is still running when the time is over, and waits for what it has to say', async () => {
    const api = await startApi()
    const { location } = (await api.call('POST', '/v2/a/blobs/uploads/')).headers
    const kept = new Promise<void>((resolve) => {
      api.service.uploads.onKept = () => resolve()
    })
    const client = api.raw()
    client.write(`PATCH ${location} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhello`)
    await kept
    const time = new AbortController()
    const closed = api.listener.close({ signal: time.signal })
    time.abort()
    await closed
    await client.closed()
    const [session] = api.service.uploads.sessions.values()
    assert.deepEqual([session?.size, session?.busy], [5, false])
  })

  it('is not held by a client that sends half a request', async () => {
    const api = await startApi()
    const client = api.raw()
    client.write('GET /v2/ HT')
    const second = api.raw()
    second.write(get('/healthz'))
    await second.until(/ok/)
    await api.listener.close()
    await client.closed()
  })
})

describe('api: the Unix socket', () => {
  let directory: string
  let path: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliport-'))
    path = join(directory, 's.sock')
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is for its owner alone, needs no Host, and goes when the server does', async () => {
    const server = await listen(app(), { path, log })
    assert.deepEqual([server.address, server.port], [path, undefined])
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    for (const host of ['evil.example', 'heliport']) {
      const answer = await call({ socketPath: path }, 'GET', '/v2/', { headers: { host } })
      assert.equal(answer.status, 200)
    }
    await server.close()
    await assert.rejects(stat(path), { code: 'ENOENT' })
  })

  it('takes the place of one whose daemon died, not of one that lives nor of a file', async () => {
    const living = await listen(app(), { path, log })
    await assert.rejects(listen(app(), { path, log }), /s\.sock: the address is already in use/)
    assert.equal((await call({ socketPath: path }, 'GET', '/v2/')).status, 200)
    await living.close()

    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    const { spawn } = await import('node:child_process')
    await once(spawn(process.execPath, ['-e', script]), 'exit')
    assert.ok((await stat(path)).isSocket())
    await (await listen(app(), { path, log })).close()

    await writeFile(path, 'mine')
    await assert.rejects(listen(app(), { path, log }), /already in use/)
    assert.ok((await stat(path)).isFile())
  })
})
