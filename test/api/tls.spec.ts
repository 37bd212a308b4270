import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { connect } from 'node:tls'
import { certificateOf } from '../../src/api/certificate.ts'
import { Certificates } from '../support/certificate.ts'
import { startApi } from '../support/http.ts'
import type { IncomingMessage } from 'node:http'
import type { CertificateFiles } from '../../src/api/certificate.ts'
import type { TestApi } from '../support/http.ts'

const DAY = 24 * 3_600_000

describe('api: TLS', () => {
  let made: Certificates
  let first: { certificate: string; key: string }
  let second: typeof first
  let files: CertificateFiles
  let api: TestApi
  before(async () => {
    made = await Certificates.open()
    first = await made.make('first')
    second = await made.make('second')
  })
  after(() => made[Symbol.asyncDispose]())
  beforeEach(async () => {
    files = { certificate: made.path('now.crt'), key: made.path('now.key'), minVersion: 1.2 }
    await put(first)
    api = await startApi({}, { tls: files })
  })
  afterEach(() => api.close())

  async function put(pair: typeof first): Promise<void> {
    await copyFile(pair.certificate, files.certificate)
    await copyFile(pair.key, files.key)
  }

  async function ask(
    method: string,
    path: string,
    body?: Uint8Array,
  ): Promise<{ res: IncomingMessage; bytes: Buffer }> {
    const req = request({
      port: api.port,
      host: '127.0.0.1',
      method,
      path,
      rejectUnauthorized: false,
    })
    req.end(body)
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    return { res, bytes: Buffer.concat(await res.toArray()) }
  }

  /** The name in the certificate that a new connection is shown. */
  async function shown(): Promise<string | string[] | undefined> {
    const socket = connect({ port: api.port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { subject } = socket.getPeerCertificate()
    socket.destroy()
    return subject.CN
  }

  it('says https where it tells its address', () => {
    assert.equal(api.listener.address, `https://127.0.0.1:${api.port}`)
  })

  it('takes and gives content as plain HTTP does', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024, 'heliport')
    const digest = api.service.addBlob('a', bytes)
    const { res, bytes: got } = await ask('GET', `/v2/a/blobs/${digest}`)
    assert.equal(res.statusCode, 200)
    assert.ok(got.equals(bytes))
    const started = await ask('POST', '/v2/b/blobs/uploads/')
    const put = await ask('PUT', `${started.res.headers.location}?digest=${digest}`, bytes)
    assert.equal(put.res.statusCode, 201)
  })

  it('tells a client that speaks plain HTTP', async () => {
    const client = api.raw()
    const answer = await client.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n').closed()
    assert.match(answer, /^HTTP\/1\.1 400 [^]*this port speaks TLS/)
  })

  it('closes connections that say nothing, or nothing of TLS, and goes on', async () => {
    const gone = api.raw()
    gone.socket.end()
    await gone.closed()
    const nonsense = api.raw().write(Buffer.from([22, 3, 1, 255, 255, 1, 2, 3]))
    nonsense.socket.end()
    await nonsense.closed()
    assert.equal(await shown(), 'first')
  })

  it('refuses what is older than 1.2', async () => {
    const socket = connect({
      port: api.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    await assert.rejects(once(socket, 'secureConnect'))
  })

  it('shows a new certificate when it is told to look', async () => {
    await put(second)
    await api.listener.reload()
    assert.equal(await shown(), 'second')
  })

  it('sees by itself that the files have changed', async () => {
    await put(second)
    while (!api.lines.some(({ msg }) => msg === 'the certificate was read anew'))
      await new Promise((resolve) => void setImmediate(resolve))
    assert.equal(await shown(), 'second')
  })

  it('keeps the old one where the new one is broken, and says so once', async () => {
    await copyFile(second.certificate, files.certificate)
    await api.listener.reload()
    await api.listener.reload()
    assert.equal(await shown(), 'first')
    const said = api.lines.filter(({ msg }) => msg.startsWith('the certificate stays as it was'))
    assert.equal(said.length, 1)
    assert.match(said[0]?.msg ?? '', /http\.tls\.key: .*now\.key is not the key of the certificate/)
  })

  it('lets what runs end when it stops, and closes who has not begun', async () => {
    const silent = connectPlain(api.port, '127.0.0.1')
    silent.on('error', () => undefined)
    await once(silent, 'connect')
    const idle = connect({ port: api.port, host: '127.0.0.1', rejectUnauthorized: false })
    idle.on('error', () => undefined)
    await once(idle, 'secureConnect')
    const entered = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    api.service.listRepositories = async () => {
      entered.resolve()
      await held.promise
      return { names: [], more: false, notices: [] }
    }
    const answer = ask('GET', '/v2/_catalog')
    await entered.promise
    const ended = Promise.all([once(silent, 'close'), once(idle, 'close')])
    const closed = api.listener.close()
    silent.resume()
    idle.resume()
    await ended
    held.resolve()
    assert.equal((await answer).res.statusCode, 200)
    await closed
  })

  describe('does not start with', () => {
    const start = (changes: Partial<CertificateFiles>) =>
      startApi({}, { tls: { ...files, ...changes } })

    it('a file that is not there', async () => {
      await assert.rejects(start({ key: '/nowhere/k.pem' }), {
        name: 'ListenError',
        message: 'http.tls.key: /nowhere/k.pem does not exist: check the path',
      })
    })

    it('another key', async () => {
      await assert.rejects(
        start({ key: second.key }),
        /^ListenError: http\.tls\.key: .*second\.key is not the key of the certificate in .*now\.crt$/,
      )
    })

    it('files that are something else', async () => {
      await writeFile(made.path('text'), 'hello')
      await assert.rejects(
        start({ key: made.path('text') }),
        /http\.tls\.key: .* no PEM private key/,
      )
      await assert.rejects(
        start({ certificate: made.path('text') }),
        /^ListenError: http\.tls\.certificate: .*text is no PEM certificate[^\n]*$/,
      )
    })

    it('a certificate that has expired, or is not valid yet', async () => {
      const pair = { cert: await readFile(first.certificate), key: await readFile(first.key) }
      const at = (now: number) => certificateOf(pair, files, now)
      assert.throws(() => at(Date.now() + 31 * DAY), /now\.crt has expired, on .*: renew it/)
      assert.throws(() => at(Date.now() - 2 * DAY), /valid only from .*: is the clock right/)
    })
  })
})
