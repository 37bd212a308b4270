import assert from 'node:assert/strict'
import { startApi } from '../support/http.ts'
import type { Access, Principal } from '../../src/access/ports.ts'
import type { Answer, TestApi } from '../support/http.ts'

const ROOT = 'bafyreih2ac5yabo2daerkw5w5wcwdc7rveqejf4l645hx2px26r5fxfnpe'

/** `Authorization: alice` may do all below `team`, `root` everything, and others nothing. */
const ACCESS: Access = {
  authenticator: {
    admitsAnonymous: false,
    identify: async ({ authorization: [user] }): Promise<Principal> => ({ user, groups: [] }),
    challenge: (needed) => `Test for="${needed.kind}"`,
  },
  policy: {
    may: ({ user }, _action, name) =>
      user === 'root' || (user === 'alice' && name.startsWith('team/')),
    mayAdminister: () => false,
    view: () => undefined,
  },
}

/** All that a client can tell one answer from another by. */
function seen({ status, headers, body }: Answer): object {
  const { date: _date, 'x-request-id': _id, ...rest } = headers
  return { status, headers: rest, body: body.toString() }
}

describe('api: nobody learns before he is asked who he is', () => {
  let api: TestApi
  before(async () => {
    api = await startApi({ access: ACCESS, namespaces: { 'docker.io': 'hub/of/others' } })
  })
  after(() => api.close())

  const ask = (user: string, method: string, path: string): Promise<Answer> =>
    api.call(method, path, { headers: user === '' ? {} : { authorization: user } })

  for (const user of ['', 'alice'])
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'])
      for (const name of ['library/alpine', 'team/app', `team/${'x'.repeat(240)}`])
        it(`which namespaces there are, ${user || 'anybody'} by ${method} ${name.slice(0, 20)}`, async () => {
          const path = `/v2/${name}/manifests/v1`
          const listed = seen(await ask(user, method, `${path}?ns=docker.io`))
          const unlisted = seen(await ask(user, method, `${path}?ns=quay.io`))
          assert.deepEqual(listed, unlisted)
          assert.equal((listed as { status: number }).status, user === '' ? 401 : 403)
        })

  it('under which name a namespace is kept', async () => {
    const path = '/v2/library/alpine/blobs/uploads/?ns=docker.io'
    for (const user of ['', 'alice']) {
      const answer = await ask(user, 'POST', path)
      assert.equal(answer.status, user === '' ? 401 : 403)
      assert.doesNotMatch(JSON.stringify(seen(answer)), /hub/)
    }
    assert.match((await ask('root', 'POST', path)).body.toString(), /hub\/of\/others\/library/)
  })

  it('that the past cannot be changed, or what is wrong with ns', async () => {
    const past = `/v2/at/${ROOT}/library/alpine/blobs/uploads/`
    const twice = '/v2/library/alpine/tags/list?ns=docker.io&ns=quay.io'
    for (const [user, ...expected] of [
      ['', 401, 401],
      ['alice', 403, 403],
      ['root', 405, 400],
    ] as const) {
      const answers = [await ask(user, 'POST', past), await ask(user, 'GET', twice)]
      const statuses = answers.map(({ status }) => status)
      assert.deepEqual(statuses, expected, user)
    }
  })

  it('but then is told: what is not in the list is not here', async () => {
    const path = '/v2/library/alpine/manifests/v1'
    const unlisted = await ask('root', 'GET', `${path}?ns=quay.io`)
    assert.deepEqual([unlisted.status, unlisted.code()], [404, 'NAME_UNKNOWN'])
    const listed = await ask('root', 'GET', `${path}?ns=docker.io`)
    assert.deepEqual([listed.status, listed.code()], [404, 'MANIFEST_UNKNOWN'])
    assert.equal(listed.headers['oci-namespace'], 'docker.io')
  })
})
