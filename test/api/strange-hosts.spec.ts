import assert from 'node:assert/strict'
import { parseTrustedRange } from '../../src/config/address-range.ts'
import { startApi } from '../support/http.ts'
import type { Access, Principal } from '../../src/access/ports.ts'
import type { TestApi } from '../support/http.ts'

/** Everybody may do everything; who says nothing is nobody in particular, and so is who has a token for all. */
const ACCESS: Access = {
  authenticator: {
    admitsAnonymous: false,
    identify: async ({ authorization: [text] }): Promise<Principal> =>
      text === 'token'
        ? { user: undefined, groups: [], grant: () => true, mayList: true }
        : { user: text, groups: [] },
    challenge: () => 'Test realm="here"',
  },
  policy: { may: () => true, mayAdminister: () => false, view: () => undefined },
}

const PULL = ['GET', '/v2/a/tags/list'] as const
const PUSH = ['POST', '/v2/a/blobs/uploads/'] as const
const LIST = ['GET', '/v2/_catalog'] as const
const PING = ['GET', '/v2/'] as const

describe('api: what is for everybody, under a strange name (DNS rebinding)', () => {
  let api: TestApi
  before(async () => {
    const trustProxy = [parseTrustedRange('127.0.0.1')]
    api = await startApi({ access: ACCESS, hosts: ['registry.example'], trustProxy })
  })
  after(() => api.close())

  const ask = (
    [method, path]: readonly [string, string],
    host: string,
    authorization?: string,
    more: Record<string, string> = {},
  ) =>
    api.call(method, path, {
      headers: { host, ...more, ...(authorization === undefined ? {} : { authorization }) },
    })

  for (const host of ['localhost:5000', '127.0.0.1', '[::1]:5000', 'registry.example']) {
    it(`is there under ${host}`, async () => {
      for (const who of [undefined, 'token', 'alice']) {
        assert.equal((await ask(PUSH, host, who)).status, 202)
        assert.notEqual((await ask(PULL, host, who)).code(), 'DENIED')
      }
      assert.equal((await ask(LIST, host, 'token')).status, 200)
    })
  }

  it('is asked a login for under another one, and refused to a token of nobody', async () => {
    for (const what of [PULL, PUSH]) {
      const nobody = await ask(what, 'evil.example')
      assert.equal(nobody.status, 401)
      assert.ok(nobody.headers['www-authenticate'])
    }
    for (const what of [PULL, PUSH, LIST]) {
      const token = await ask(what, 'evil.example', 'token')
      assert.deepEqual([token.status, token.code()], [403, 'DENIED'])
      assert.match(token.body.toString(), /http\.hosts/)
    }
    const page = { origin: 'http://evil.example' }
    assert.equal((await ask(PUSH, 'evil.example', 'token', page)).status, 403)
  })

  it('hinders nobody who has logged in, and nobody who is about to', async () => {
    assert.equal((await ask(PUSH, 'intranet', 'alice')).status, 202)
    assert.equal((await ask(LIST, 'intranet', 'alice')).status, 200)
    assert.equal((await ask(PING, 'intranet')).status, 401)
    assert.equal((await ask(PING, 'intranet', 'token')).status, 200)
    assert.equal((await ask(['GET', '/healthz'], 'intranet')).status, 200)
  })

  it('is there under any name over TLS: the browser has seen its certificate', async () => {
    const proxied = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.7' }
    assert.equal((await ask(PUSH, 'public.example', undefined, proxied)).status, 202)
    const plain = { ...proxied, 'x-forwarded-proto': 'http' }
    assert.equal((await ask(PUSH, 'public.example', undefined, plain)).status, 401)
  })
})
