import assert from 'node:assert/strict'
import { decisionOf } from '../../src/api/guard.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import { startApi } from '../support/http.ts'
import { wholeRouter } from '../support/routes.ts'
import type { Access, Action, Principal } from '../../src/access/ports.ts'
import type { RepositoryName } from '../../src/oci/name.ts'

/** `Authorization: alice` is Alice; `x` proves nothing; she may only do what `allowed` says. */
function accessOf(allowed: (action: Action, name: RepositoryName) => boolean): Access {
  return {
    authenticator: {
      admitsAnonymous: false,
      identify: async ({ authorization: [user] }): Promise<Principal> => {
        if (user === 'x') throw new RegistryError('UNAUTHORIZED', { message: 'no such user' })
        return { user, groups: [] }
      },
      challenge: (needed, origin) => `Test realm="${origin}", for="${needed.kind}"`,
    },
    policy: {
      may: ({ user }, action, name) => user === 'alice' && allowed(action, name),
      mayAdminister: () => false,
      view: () => undefined,
    },
  }
}

const as = (user: string) => ({ headers: { authorization: user } })

describe('api: who may come through', () => {
  it('is decided first of all in every route', () => {
    const routes = wholeRouter().stack
    assert.ok(routes.length > 25)
    for (const { path, methods, stack } of routes) {
      // Readers of parameters stand before it.
      const handlers = stack.filter((middleware) => !('param' in middleware))
      assert.ok(
        decisionOf(handlers[0] ?? {}),
        `${methods.join(' ')} ${String(path)} has no decision`,
      )
    }
  })

  it('asks who it is when nobody says so, even of the ping', async () => {
    const api = await startApi({ access: accessOf(() => true) })
    for (const path of ['/v2/', '/v2/_catalog', '/v2/a/tags/list']) {
      const answer = await api.call('GET', path)
      assert.equal(answer.status, 401, path)
      assert.match(String(answer.headers['www-authenticate']), /^Test realm="http:\/\/.+", for=/)
    }
    assert.equal((await api.call('GET', '/healthz')).status, 200)
    await api.close()
  })

  it('says why credentials prove nothing', async () => {
    const api = await startApi({ access: accessOf(() => true) })
    const answer = await api.call('GET', '/v2/', as('x'))
    assert.equal(answer.status, 401)
    assert.match(answer.body.toString(), /no such user/)
    await api.close()
  })

  it('denies somebody known what he may not do, and nothing else', async () => {
    const api = await startApi({
      access: accessOf((action, name) => action === 'pull' && name === 'a'),
    })
    assert.equal((await api.call('GET', '/v2/', as('alice'))).status, 200)
    assert.equal((await api.call('GET', '/v2/a/tags/list', as('alice'))).status, 404)
    assert.equal((await api.call('GET', '/v2/b/tags/list', as('alice'))).status, 403)
    assert.equal((await api.call('POST', '/v2/a/blobs/uploads/', as('alice'))).status, 403)
    assert.equal((await api.call('DELETE', '/v2/a/manifests/v1', as('alice'))).status, 403)
    await api.close()
  })
})
