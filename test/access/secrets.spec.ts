import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RawClient, call } from '../support/http.ts'
import { DaemonProcess, MAX_LOG_LINES } from '../support/daemon-process.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { SECRETS, auditText, partsOf, secretsIn } from './secrets.ts'
import type { CallOptions } from '../support/http.ts'

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** Everywhere that a client may put a secret, rightly or by mistake. New places are lines here. */
const REQUESTS: readonly [method: string, path: string, options?: CallOptions][] = [
  ['GET', '/v2/', { headers: { authorization: basic('alice', SECRETS.password) } }],
  ['GET', '/v2/', { headers: { authorization: `Basic ${SECRETS.malformed}` } }],
  ['GET', '/v2/', { headers: { authorization: SECRETS.malformed } }],
  ['GET', '/v2/', { headers: { authorization: `Bearer ${SECRETS.bearer}` } }],
  ['GET', '/v2/', { headers: { authorization: [`Bearer ${SECRETS.bearer}`, 'Basic x'] } }],
  ['GET', '/v2/', { headers: { 'proxy-authorization': basic('a', SECRETS.proxy) } }],
  ['GET', '/v2/', { headers: { cookie: `session=${SECRETS.cookie}` } }],
  ['GET', '/v2/', { headers: { 'x-registry-auth': SECRETS.identityToken } }],
  ['GET', `/v2/?token=${SECRETS.query}`],
  ['GET', `/v2/_catalog?n=x&access_token=${SECRETS.query}`],
  ['GET', `/v2/token?service=x&password=${SECRETS.query}`],
  ['POST', '/v2/token', { body: `grant_type=password&password=${SECRETS.body}` }],
  ['GET', `http://alice:${SECRETS.target}@localhost/v2/`],
  ['GET', '/v2/', { headers: { host: `alice:${SECRETS.userinfo}@localhost` } }],
  ['GET', '/v2/', { headers: { origin: `http://alice:${SECRETS.userinfo}@localhost` } }],
  ['GET', '/v2/', { headers: { referer: `http://x/?p=${SECRETS.referer}` } }],
  ['POST', `/v2/a/blobs/uploads/?mount=${SECRETS.query}&from=${SECRETS.query}`],
  ['PUT', '/v2/a/manifests/v1', { body: `{"password":"${SECRETS.body}"` }],
  ['PUT', `/v2/a/manifests/v1?tag=${SECRETS.query}`, { body: SECRETS.body }],
  [
    'DELETE',
    '/v2/a/manifests/none',
    { headers: { authorization: basic('bob', SECRETS.password) } },
  ],
]

const RAW = [
  `GET /v2/ HTTP/1.1\r\nHost: localhost\r\nAuthorization Basic ${SECRETS.malformed}\r\n\r\n`,
  `GET /v2/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: a\x00${SECRETS.malformed}\r\n\r\n`,
  `${SECRETS.method} /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  `GET /v2/ HTTP/9.9\r\nAuthorization: Bearer ${SECRETS.bearer}\r\n\r\n`,
]

describe('B66: secrets and logs', () => {
  it('no log has a secret that a client or the operator gave us, at level trace and with the audit log on', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'audit.log')
    await using daemon = await DaemonProcess.start({
      config: { log: { level: 'trace' }, audit: { file, pulls: true } },
      env: {
        HELIPORT_PASSWORD: SECRETS.keychain,
        REGISTRY_AUTH_UNKNOWN_PASSWORD: SECRETS.registryVariable,
      },
    })
    const port = Number(daemon.host.split(':').at(-1))
    for (const [method, path, options] of REQUESTS) await call({ port }, method, path, options)
    for (const text of RAW) {
      const client = new RawClient(port).write(text)
      await client.until(/^HTTP\/1\.1 4\d\d/)
      client.destroy()
    }
    const key = await exportedKey(daemon)
    await daemon.stop()
    const written = daemon.log.join('\n')
    const audit = await auditText(file)
    // That there is something to look at, all of it: lines of requests, and of changes and refusals.
    assert.ok(daemon.log.length < MAX_LOG_LINES)
    assert.ok(written.split('"msg":"request"').length > REQUESTS.length)
    assert.match(audit, /"action":"denied"/)
    assert.match(audit, /"action":"key-export"/)
    const secrets = { ...SECRETS, ...key }
    assert.deepEqual(secretsIn(written, secrets), [])
    assert.deepEqual(secretsIn(audit, secrets), [])
  })

  it('would be found as they are, in base64 behind any name, and percent-encoded', () => {
    for (const user of ['', 'a', 'bob', 'alice'])
      assert.deepEqual(
        secretsIn(`"authorization":"${basic(user, SECRETS.password)}"`, SECRETS),
        ['password'],
        user,
      )
    assert.deepEqual(secretsIn(`path=/v2/?token=${SECRETS.query}`, SECRETS), ['query'])
    assert.deepEqual(secretsIn('nothing', SECRETS), [])
    const key = Buffer.from('0123456789abcdefghijklmnopqrstuv')
    for (const before of ['', 'a', 'ab', 'abc']) {
      const whole = Buffer.concat([Buffer.from(before), key, Buffer.from('after')])
      const texts = [
        ...(['hex', 'base64', 'base64url'] as const).map((form) => whole.toString(form)),
        JSON.stringify(whole),
        JSON.stringify(new Uint8Array(whole)),
      ]
      for (const text of texts) assert.ok(secretsIn(text, partsOf('key', key)).length > 0, text)
    }
    assert.throws(() => secretsIn('anything', { forgotten: '' }), /forgotten/)
  })
})

/** A part of what `heliport key export` gets, as text may hold it. */
async function exportedKey(daemon: DaemonProcess): Promise<Record<string, string>> {
  const { socket } = JSON.parse(await readFile(join(daemon.data, 'lock'), 'utf8')) as {
    socket: string
  }
  const body = JSON.stringify({ name: 'registry' })
  const answer = await call({ socketPath: socket }, 'POST', '/api/v1/keys/export', { body })
  assert.equal(answer.status, 200)
  const part = answer.body.subarray(-33)
  return { keyInBase64: part.toString('base64'), keyInHex: part.toString('hex') }
}
