import assert from 'node:assert/strict'
import { once } from 'node:events'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { setUser } from '../../src/access/users.ts'
import { readSwarmKey } from '../../src/ipfs/swarm-key.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { Certificates } from '../support/certificate.ts'
import { DaemonProcess, MAX_LOG_LINES } from '../support/daemon-process.ts'
import { RawClient, call } from '../support/http.ts'
import { makeSwarmKey } from '../support/swarm-key.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { SECRETS, auditText, partsOf, partsOfKey, secretsIn } from './secrets.ts'
import type { IncomingMessage } from 'node:http'
import type { CallOptions } from '../support/http.ts'

type Ask = (method: string, path: string, options?: CallOptions) => Promise<number | undefined>

const basic = (password: string, user = 'alice'): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` })
const form = (fields: Record<string, string>): CallOptions => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
})

const { right, wrong, refresh } = SECRETS
const BLOB = 'pushed by somebody who is let in'

/** What anybody tries who has a password, where it belongs and where it does not. */
const LOGINS: readonly [method: string, path: string, options?: CallOptions][] = [
  ['GET', '/v2/', { headers: basic(right) }],
  ['GET', '/v2/', { headers: basic(wrong) }],
  ['GET', '/v2/', { headers: basic(right, 'nobody') }],
  ['GET', '/v2/', { headers: basic(right, right) }],
  ['GET', '/v2/', { headers: bearer(right) }],
  ['GET', '/v2/', { headers: { authorization: `Token ${refresh}` } }],
  ['GET', `/v2/?username=alice&password=${right}`],
  ['GET', `/v2/_catalog?password=${right}`, { headers: basic(right) }],
  ['GET', `/v2/a/tags/list?last=${right}`, { headers: basic(right) }],
  ['GET', '/v2/a/tags/list', { headers: { ...basic(right), host: `alice:${right}@localhost` } }],
  ['GET', `https://alice:${right}@localhost/v2/`, { headers: basic(right) }],
  ['POST', '/v2/a/blobs/uploads/', { headers: basic(right) }],
  [
    'POST',
    `/v2/a/blobs/uploads/?digest=${digestOf(Buffer.from(BLOB))}`,
    { headers: basic(right), body: BLOB },
  ],
  ['DELETE', '/v2/a/manifests/none', { headers: basic(right) }],
  ['DELETE', '/v2/a/manifests/none', { headers: basic(wrong) }],
  ['GET', '/v2/token?service=heliport&scope=repository:a:pull', { headers: basic(right) }],
  ['GET', '/v2/token?service=heliport&scope=repository:a:pull', { headers: basic(wrong) }],
  ['GET', `/v2/token?service=heliport&account=${right}`],
  ['GET', `/v2/token?service=${right}&scope=${right}`, { headers: basic(right) }],
  ['POST', '/v2/token', form({ grant_type: 'password', username: 'alice', password: right })],
  ['POST', '/v2/token', form({ grant_type: 'password', username: 'alice', password: wrong })],
  ['POST', '/v2/token', form({ grant_type: right, username: right, password: right })],
  ['POST', '/v2/token', form({ grant_type: 'refresh_token', refresh_token: refresh })],
  ['POST', '/v2/token', { body: `password=${right}` }],
  ['GET', '/api/v1/status', { headers: basic(right) }],
]

describe('B66: secrets and logs, where people log in', () => {
  it('no log has them with TLS, in a private network: nor those of certificate, swarm and keychain', async () => {
    await using made = await Certificates.open()
    const { certificate, key } = await made.make('registry')
    const [users, password] = [made.path('users'), made.path('password')]
    await setUser(users, 'alice', right)
    await writeFile(password, SECRETS.keychain, { mode: 0o600 })
    const swarmKey = await makeSwarmKey(made.directory)
    await using world = await watched({
      http: { tls: { certificate, key } },
      auth: { mode: 'htpasswd', htpasswd: users },
      access: { admins: { users: ['alice'] } },
      keys: { passwordFile: password },
      network: { mode: 'private', swarmKey },
    })
    const ca = await readFile(certificate)
    const answers = await askAll((...what) => askByTls(world.port, ca, ...what))
    assert.ok(answers.includes(200) && answers.includes(201) && answers.includes(401))
    // Somebody forgets the s of https.
    const plain = new RawClient(world.port).write(
      `GET /v2/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic(right).authorization}\r\n\r\n`,
    )
    await plain.closed()
    await world.assertNothing({
      ...partsOfKey('key of the certificate', await readFile(key, 'utf8')),
      ...partsOf('swarm key', await readSwarmKey(swarmKey)),
    })
  })

  it('no log has them where we give tokens: nor the tokens, nor the key that signs them', async () => {
    await using directory = await temporaryDirectory()
    const users = join(directory.path, 'users')
    await setUser(users, 'alice', right)
    await using world = await watched({ auth: { mode: 'token', htpasswd: users } })
    const ask: Ask = async (...what) => (await call(world, ...what)).status
    const answers = await askAll(ask)
    assert.ok(answers.includes(200) && answers.includes(401))
    const tokenFor = async (headers: Record<string, string>): Promise<string> => {
      const path = '/v2/token?service=heliport&scope=repository:a:pull,push'
      return ((await call(world, 'GET', path, { headers })).json() as { token: string }).token
    }
    const given = [await tokenFor(basic(right)), await tokenFor({})]
    assert.deepEqual([await presents(ask, given[0]!), await presents(ask, given[1]!)], [202, 401])
    await world.assertNothing({
      ...partsOfTokens(given),
      ...partsOfKey(
        'our key',
        await readFile(join(world.daemon.data, 'keys', 'token.pem'), 'utf8'),
      ),
    })
  })

  it("no log has another service's tokens", async () => {
    await using directory = await temporaryDirectory()
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const keys = join(directory.path, 'key.pem')
    await writeFile(keys, publicKey.export({ type: 'spki', format: 'pem' }))
    const token = { realm: 'https://tokens.example', service: 's', issuer: 'i', keys: [keys] }
    await using world = await watched({ auth: { mode: 'token', token } })
    const access = [{ type: 'repository', name: 'a', actions: ['pull', 'push'] }]
    const sign = (issuer: string) =>
      new SignJWT({ access })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(issuer)
        .setAudience('s')
        .setSubject('alice')
        .setExpirationTime('5m')
        .sign(privateKey)
    const [good, bad] = [await sign('i'), await sign('somebody else')]
    const ask: Ask = async (...what) => (await call(world, ...what)).status
    assert.equal(await presents(ask, good), 202)
    assert.equal(await presents(ask, bad), 401)
    await world.assertNothing(partsOfTokens([good, bad]))
  })
})

/** A token where it belongs, and everywhere else. @returns what came of an upload with it */
async function presents(ask: Ask, token: string): Promise<number | undefined> {
  const forged = `${token.slice(0, -8)}AAAAAAAA`
  await ask('GET', '/v2/', { headers: bearer(token) })
  await ask('GET', '/v2/', { headers: bearer(forged) })
  await ask('GET', '/v2/other/tags/list', { headers: bearer(token) })
  await ask('GET', `/v2/?token=${token}`)
  await ask('GET', '/v2/', { headers: basic(token) })
  await ask('GET', '/v2/', { headers: { authorization: token } })
  await ask('POST', '/v2/token', form({ grant_type: 'refresh_token', refresh_token: token }))
  return ask('POST', '/v2/a/blobs/uploads/', { headers: bearer(token) })
}

/** Of a token the part that proves it. */
function partsOfTokens(tokens: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    tokens.map((token, index) => [`token ${index}`, token.slice(token.lastIndexOf('.') + 1, -8)]),
  )
}

async function askAll(ask: Ask): Promise<(number | undefined)[]> {
  const answers: (number | undefined)[] = []
  for (const what of LOGINS) answers.push(await ask(...what))
  return answers
}

/** A daemon that tells all it can, and where that is looked through. */
async function watched(config: Record<string, unknown>) {
  const directory = await temporaryDirectory()
  const file = join(directory.path, 'audit.log')
  const daemon = await DaemonProcess.start({
    config: { log: { level: 'trace' }, audit: { file, pulls: true }, ...config },
  })
  const assertNothing = async (more: Record<string, string>): Promise<void> => {
    const status = JSON.stringify(await daemon.status())
    await daemon.stop()
    const log = daemon.log.join('\n')
    const audit = await auditText(file)
    // That there is something to look at, and that all of it is here.
    assert.ok(daemon.log.length < MAX_LOG_LINES, `${daemon.log.length} lines`)
    assert.match(log, /"level":10,/)
    assert.ok(log.split('"msg":"request"').length > 8)
    assert.match(audit, /"action":"login-failed"/)
    const secrets = { ...SECRETS, ...more }
    for (const [what, text] of Object.entries({ log, audit, status }))
      assert.deepEqual(secretsIn(text, secrets), [], `in the ${what}`)
  }
  const close = async (): Promise<void> => {
    await daemon.remove()
    await directory[Symbol.asyncDispose]()
  }
  const port = Number(daemon.host.split(':').at(-1))
  return { daemon, port, assertNothing, [Symbol.asyncDispose]: close }
}

async function askByTls(
  port: number,
  ca: Buffer,
  ...[method, path, { headers = {}, body } = {}]: Parameters<Ask>
): Promise<number | undefined> {
  const req = request({
    port,
    host: '127.0.0.1',
    ca,
    servername: 'localhost',
    method,
    path,
    headers,
    agent: false,
  })
  req.end(body)
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  res.resume()
  await once(res, 'end')
  return res.statusCode
}
