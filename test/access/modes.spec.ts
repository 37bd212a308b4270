import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { listUsers, removeUser, setUser } from '../../src/access/users.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { eventually } from '../support/two-nodes.ts'

const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

const ALICE = basic('alice', 'correct horse')

/** A daemon with Alice, asked as clients do. */
async function daemonOf(mode: 'htpasswd' | 'token', token: object = {}) {
  const directory = await temporaryDirectory()
  const users = join(directory.path, 'users')
  await setUser(users, 'alice', 'correct horse')
  const access = { admins: { users: ['alice'] } }
  const daemon = await DaemonProcess.start({
    config: { auth: { mode, htpasswd: users, token }, access },
  })
  const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(`${daemon.url}${path}`, { headers, ...init })
  const close = async (): Promise<void> => {
    await daemon.remove()
    await directory[Symbol.asyncDispose]()
  }
  return { daemon, users, ask, close }
}

/** A request with headers that fetch would not send. @returns the answer as it came */
async function raw(
  { host }: DaemonProcess,
  line: string,
  headers: Record<string, string>,
): Promise<string> {
  const [address = '', port] = host.split(':')
  const socket = connect(Number(port), address)
  await once(socket, 'connect')
  const all = { host, connection: 'close', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  socket.write([`${line} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
  let text = ''
  socket.setEncoding('utf8').on('data', (part: string) => (text += part))
  await once(socket, 'close')
  return text
}

/** Waits for it in the log: who asks before it with the new password guesses wrong, and has to wait. */
async function readAgain({ log }: DaemonProcess): Promise<void> {
  const from = log.length
  const isTold = (): boolean => log.slice(from).some((line) => line.includes('was read again'))
  await eventually(isTold, 'the file of users is read again')
}

describe('access: mode htpasswd', () => {
  let world: Awaited<ReturnType<typeof daemonOf>>
  before(async () => {
    world = await daemonOf('htpasswd')
  })
  after(() => world.close())

  it('asks for a name and a password, and takes the right ones (B55)', async () => {
    const { ask } = world
    const nobody = await ask('/v2/')
    assert.equal(nobody.status, 401)
    assert.equal(nobody.headers.get('www-authenticate'), 'Basic realm="Heliport", charset="UTF-8"')
    assert.equal(
      ((await nobody.json()) as { errors: { code: string }[] }).errors[0]?.code,
      'UNAUTHORIZED',
    )
    assert.equal((await ask('/v2/', ALICE)).status, 200)
    assert.equal((await ask('/v2/', basic('alice', 'wrong one'))).status, 401)
    const upload = await ask('/v2/a/blobs/uploads/', ALICE, { method: 'POST' })
    assert.equal(upload.status, 202)
    assert.equal((await ask('/v2/a/blobs/uploads/', {}, { method: 'POST' })).status, 401)
    assert.equal((await ask('/healthz')).status, 200)
  })

  it('refuses before the body is sent, where the client waits for that (B42)', async () => {
    const headers = { expect: '100-continue', 'content-length': '1000' }
    const answer = await raw(world.daemon, 'PUT /v2/a/manifests/v1', headers)
    assert.match(answer, /^HTTP\/1\.1 401 /)
    assert.doesNotMatch(answer, /100 Continue/)
  })

  it('takes requests under any name, but none of another page', async () => {
    const { daemon } = world
    const named = await raw(daemon, 'GET /v2/', { ...ALICE, host: 'registry.example' })
    assert.match(named, /^HTTP\/1\.1 200 /)
    const page = { ...ALICE, host: 'registry.example', origin: 'https://evil.example' }
    assert.match(await raw(daemon, 'POST /v2/a/blobs/uploads/', page), /^HTTP\/1\.1 403 /)
  })

  it('follows its file within seconds, and keeps the users when that is wrong (B65)', async () => {
    const { ask, users } = world
    const bob = basic('bob', 'battery staple')
    assert.equal((await ask('/v2/', bob)).status, 401)
    await setUser(users, 'bob', 'battery staple')
    await readAgain(world.daemon)
    assert.equal((await ask('/v2/', bob)).status, 200)
    const good = await readFile(users, 'utf8')
    await writeFile(users, `${good}eve:secret\n`)
    const told = (text: string): boolean => world.daemon.log.some((line) => line.includes(text))
    await eventually(() => told('stay as they were'), 'the log tells it')
    assert.equal((await ask('/v2/', bob)).status, 200)
    await writeFile(users, good)
    await removeUser(users, 'bob')
    await eventually(async () => (await ask('/v2/', bob)).status === 401, 'bob is unknown')
    assert.deepEqual(await listUsers(users), ['alice'])
  })
})

describe('access: mode token', () => {
  let world: Awaited<ReturnType<typeof daemonOf>>
  before(async () => {
    world = await daemonOf('token')
  })
  after(() => world.close())

  const tokenOf = async (scope: string, headers = {}): Promise<string> => {
    const answer = await world.ask(`/v2/token?service=heliport&scope=${scope}`, headers)
    assert.equal(answer.status, 200, await answer.clone().text())
    const { token, access_token, expires_in } = (await answer.json()) as Record<string, unknown>
    assert.equal(token, access_token)
    assert.equal(expires_in, 300)
    return String(token)
  }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

  it('sends clients to its token service, with the scope they need (B55)', async () => {
    const { ask, daemon } = world
    const realm = `Bearer realm="${daemon.url}/v2/token",service="heliport"`
    assert.equal((await ask('/v2/')).headers.get('www-authenticate'), realm)
    const push = await ask('/v2/team/app/blobs/uploads/', {}, { method: 'POST' })
    assert.equal(push.status, 401)
    assert.equal(
      push.headers.get('www-authenticate'),
      `${realm},scope="repository:team/app:pull,push"`,
    )
    const listing = await ask('/v2/_catalog')
    assert.equal(listing.headers.get('www-authenticate'), `${realm},scope="registry:catalog:*"`)
    const host = await raw(daemon, 'GET /v2/', { host: 'registry.example:5000' })
    assert.match(host, /realm="http:\/\/registry\.example:5000\/v2\/token"/)
    assert.match(await raw(daemon, 'GET /v2/', { host: 'a",x="b' }), /^HTTP\/1\.1 400 /)
  })

  it('gives tokens that are good for what they name, and no more (B59)', async () => {
    const { ask } = world
    const token = bearer(await tokenOf('repository:team/app:pull', ALICE))
    assert.equal((await ask('/v2/', token)).status, 200)
    assert.equal((await ask('/v2/team/app/tags/list', token)).status, 404)
    assert.equal((await ask('/v2/other/tags/list', token)).status, 401)
    const push = await ask('/v2/team/app/blobs/uploads/', token, { method: 'POST' })
    assert.equal(push.status, 401)
    assert.match(push.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/)
    const more = bearer(await tokenOf('repository:team/app:pull,push', ALICE))
    assert.equal((await ask('/v2/team/app/blobs/uploads/', more, { method: 'POST' })).status, 202)
  })

  it('gives nobody in particular what anybody may do: nothing (B63)', async () => {
    const { ask } = world
    for (const scope of ['repository:team/app:pull', 'repository:*:*', 'registry:catalog:*']) {
      const token = bearer(await tokenOf(scope))
      assert.equal((await ask('/v2/team/app/tags/list', token)).status, 401, scope)
    }
  })

  it('takes a form too, as containerd sends it, and no grant that it does not know', async () => {
    const form = (fields: Record<string, string>) =>
      world.ask('/v2/token', {}, { method: 'POST', body: new URLSearchParams(fields) })
    const login = { username: 'alice', password: 'correct horse', service: 'heliport' }
    const scope = 'repository:a:pull'
    assert.equal((await form({ grant_type: 'password', ...login, scope })).status, 200)
    assert.equal(
      (await form({ grant_type: 'password', ...login, password: 'wrong one' })).status,
      401,
    )
    assert.equal((await form({ grant_type: 'refresh_token', refresh_token: 'x' })).status, 400)
    assert.equal((await form({ grant_type: 'password', ...login, service: 'other' })).status, 400)
  })

  it('refuses what is no token of ours, and says so (B58)', async () => {
    const answer = await world.ask('/v2/', bearer('a.b.c'))
    assert.equal(answer.status, 401)
    assert.match(answer.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
    assert.equal(
      (await world.ask('/v2/', ALICE)).status,
      401,
      'a password is for the token service',
    )
  })

  it('takes administrators by their password, and no token of theirs', async () => {
    const { ask, users, daemon } = world
    await setUser(users, 'dave', 'battery staple')
    await readAgain(daemon)
    const keys = '/api/v1/keys'
    assert.equal((await ask(keys, ALICE)).status, 200)
    assert.ok('peerId' in ((await (await ask('/api/v1/status', ALICE)).json()) as object))
    assert.equal((await ask(keys, basic('dave', 'battery staple'))).status, 403)
    const token = bearer(await tokenOf('repository:a:pull', ALICE))
    for (const headers of [{}, token, basic('alice', 'wrong as admin'), bearer('a.b.c')]) {
      const answer = await ask(keys, headers)
      assert.equal(answer.status, 401)
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic realm=/)
    }
    const status = await ask('/api/v1/status', token)
    assert.deepEqual(Object.keys((await status.json()) as object), ['version'])
  })

  it('lets nobody guess (B57)', async () => {
    let guesses = 0
    const wrong = () => world.ask('/v2/token', basic('alice', `wrong one ${guesses++}`))
    assert.equal((await wrong()).status, 401)
    let last = await wrong()
    for (let n = 0; n < 20 && last.status === 401; n++) last = await wrong()
    assert.equal(last.status, 429)
    assert.ok(Number(last.headers.get('retry-after')) > 0)
  })

  it('ends the tokens of a user who has another password, or is removed (B65)', async () => {
    const { ask, users, daemon } = world
    // Ours are still valid after a restart, which forgets who guessed.
    await daemon.stop()
    await daemon.restart()
    await setUser(users, 'carol', 'battery staple')
    const carol = basic('carol', 'battery staple')
    await readAgain(daemon)
    const token = bearer(await tokenOf('repository:a:pull', carol))
    assert.equal((await ask('/v2/a/tags/list', token)).status, 404)
    await daemon.stop()
    await daemon.restart()
    assert.equal((await ask('/v2/a/tags/list', token)).status, 404)
    await setUser(users, 'carol', 'another one')
    await eventually(async () => (await ask('/v2/a/tags/list', token)).status === 401, 'it ends')
    const next = bearer(await tokenOf('repository:a:pull', basic('carol', 'another one')))
    assert.equal((await ask('/v2/a/tags/list', next)).status, 404)
    await removeUser(users, 'carol')
    await eventually(async () => (await ask('/v2/a/tags/list', next)).status === 401, 'it ends')
  })
})
