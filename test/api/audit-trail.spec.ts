import assert from 'node:assert/strict'
import { AUDITED } from '../../src/api/audit-actions.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import { allRoutes } from '../support/routes.ts'
import { CONTROL } from '../support/access-world.ts'
import { httpRouter, routesOf } from '../support/route-table.ts'
import type { Access, IssuedToken, TokenRequest } from '../../src/access/ports.ts'
import type { AuditEntry, AuditSink } from '../../src/api/audit.ts'

/** Keeps what it is told; `hold` makes a line take until it is let go. */
class MemorySink implements AuditSink {
  readonly entries: AuditEntry[] = []
  pulls = false
  hold: Promise<void> = Promise.resolve()

  async write(entry: AuditEntry): Promise<void> {
    await this.hold
    this.entries.push(entry)
  }
}

/** `Authorization: alice` may do all, `bob` nothing, `flood` has asked too often, and others are nobody. */
const ACCESS: Access = {
  authenticator: {
    admitsAnonymous: false,
    identify: async ({ authorization: [user] }) => {
      if (user === 'flood') throw new RegistryError('TOOMANYREQUESTS')
      if (user === undefined || user === 'alice' || user === 'bob') return { user, groups: [] }
      throw new RegistryError('UNAUTHORIZED')
    },
    challenge: () => 'Basic realm="x"',
  },
  policy: {
    may: ({ user }) => user === 'alice',
    mayAdminister: () => false,
    view: () => undefined,
  },
}

const BYTES = Buffer.from('hello')
const BLOB = digestOf(BYTES)
const MANIFEST = Buffer.from(
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
)
const DIGEST = digestOf(MANIFEST)
const TYPE = 'application/vnd.oci.image.index.v1+json'

async function open(sink: MemorySink) {
  const api = await startApi({ audit: sink, access: ACCESS, control: CONTROL })
  const as = (user: string, more: Record<string, string> = {}) => ({
    headers: { authorization: user, ...more },
  })
  const short = () =>
    sink.entries.map(({ action, wanted, user, repository, reference, digest, status, bytes }) => ({
      ...{ action, user, repository, reference, digest, status, bytes },
      ...(wanted && { wanted }),
    }))
  return { api, as, short, [Symbol.asyncDispose]: () => api.close() }
}

/** What each of the routes for administrators is for: a new one has to be added here. */
const WANTED: Readonly<Record<string, string>> = {
  'GET /api/v1/status': 'status',
  'GET /api/v1/keys': 'key-list',
  'GET /api/v1/log': 'log',
  'POST /api/v1/diff': 'diff',
  'POST /api/v1/gc': 'gc',
  'POST /api/v1/fsck': 'fsck',
  'POST /api/v1/rollback': 'rollback',
}

describe('api: the audit trail', () => {
  it('knows every route', () => {
    assert.ok(allRoutes().length > 25)
    assert.deepEqual(
      allRoutes().filter((route) => !Object.hasOwn(AUDITED, route)),
      [],
    )
  })

  for (const route of routesOf(httpRouter()).filter((each) => each.includes(' /api/'))) {
    it(`says of a refused ${route} what was wanted`, async () => {
      const sink = new MemorySink()
      await using opened = await open(sink)
      const [method = '', path = ''] = route.split(' ')
      const answers: number[] = []
      for (const user of ['bob', 'flood'])
        answers.push((await opened.api.call(method, path, opened.as(user))).status)
      assert.equal(answers.at(-1), 429)
      assert.deepEqual(
        sink.entries.map(({ status }) => status),
        answers.filter((status) => status !== 200), // everybody may have the status, in brief
      )
      for (const { wanted } of sink.entries) assert.equal(wanted, WANTED[route], route)
    })
  }

  it('has a line for each change', async () => {
    const sink = new MemorySink()
    await using opened = await open(sink)
    const { api, as, short } = opened
    const push = { ...as('alice'), body: BYTES }
    const put = { ...as('alice', { 'content-type': TYPE }), body: MANIFEST }
    await api.call('POST', `/v2/a/blobs/uploads/?digest=${BLOB}`, push)
    await api.call('POST', `/v2/b/blobs/uploads/?mount=${BLOB}&from=a`, as('alice'))
    await api.call('PUT', '/v2/a/manifests/v1', put)
    await api.call('PUT', `/v2/a/manifests/${DIGEST}?tag=v2`, put)
    await api.call('DELETE', '/v2/a/manifests/v1', as('alice'))
    await api.call('DELETE', `/v2/a/manifests/${DIGEST}`, as('alice'))
    await api.call('DELETE', `/v2/a/blobs/${BLOB}`, as('alice'))
    await api.call('DELETE', '/v2/a/_heliport/repository', as('alice'))
    const line = (action: string, status: number, more: object = {}) => ({
      action,
      user: 'alice',
      repository: 'a',
      reference: undefined,
      digest: undefined,
      status,
      bytes: undefined,
      ...more,
    })
    assert.deepEqual(short(), [
      line('push-blob', 201, { digest: BLOB, bytes: 5 }),
      line('mount', 201, { repository: 'b', digest: BLOB }),
      line('push-manifest', 201, { reference: 'v1', digest: DIGEST, bytes: MANIFEST.length }),
      line('push-manifest', 201, { reference: DIGEST, digest: DIGEST, bytes: MANIFEST.length }),
      line('tag', 201, { reference: 'v2', digest: DIGEST, bytes: MANIFEST.length }),
      line('delete-tag', 202, { reference: 'v1' }),
      line('delete-manifest', 202, { reference: DIGEST, digest: DIGEST }),
      line('delete-blob', 202, { digest: BLOB }),
      line('delete-repository', 202),
    ])
    assert.equal(sink.entries[1]?.from, 'a')
    assert.match(sink.entries[0]?.address ?? '', /127\.0\.0\.1$/)
  })

  it('has the size of a blob that came in pieces, and the id of the request', async () => {
    const sink = new MemorySink()
    await using opened = await open(sink)
    const { api, as } = opened
    const begun = await api.call('POST', '/v2/a/blobs/uploads/', as('alice'))
    const location = begun.headers.location ?? ''
    await api.call('PATCH', location, { ...as('alice'), body: BYTES })
    const put = await api.call('PUT', `${location}?digest=${BLOB}`, as('alice'))
    assert.equal(sink.entries.length, 1)
    assert.equal(sink.entries[0]?.bytes, 5)
    assert.equal(sink.entries[0]?.request, put.headers['x-request-id'])
  })

  it('has a line for each refusal, with what was wanted, and not the name that was tried', async () => {
    const sink = new MemorySink()
    await using opened = await open(sink)
    const { api, as, short } = opened
    await api.call('GET', '/v2/', as('Basic bm8='))
    await api.call('GET', '/v2/') // how clients learn to log in
    await api.call('GET', '/v2/a/tags/list')
    await api.call('PUT', '/v2/a/manifests/v1', as('bob'))
    await api.call('DELETE', '/v2/a/manifests/v1', as('flood'))
    await api.call('GET', '/v2/', { headers: { origin: 'https://evil.example' } })
    assert.deepEqual(
      short().map(({ action, wanted, user, status }) => [action, wanted, user, status]),
      [
        ['login-failed', 'enter', undefined, 401],
        ['denied', 'list', undefined, 401],
        ['denied', 'push-manifest', 'bob', 403],
        ['rate-limited', 'delete-manifest', undefined, 429],
        ['denied', undefined, undefined, 403],
      ],
    )
  })

  it('tells a login that failed from somebody who may not', async () => {
    const sink = new MemorySink()
    const refuse = async ({ presented }: TokenRequest): Promise<IssuedToken> => {
      assert.equal(presented.authorization.length, 1)
      throw new RegistryError('UNAUTHORIZED')
    }
    const api = await startApi({
      audit: sink,
      access: {
        policy: {
          ...ACCESS.policy,
          may: ({ grant }, action, name) => grant?.(action, name) === true,
        },
        authenticator: {
          ...ACCESS.authenticator,
          // A token that is good for pulls.
          identify: async () => ({ user: 'bob', groups: [], grant: (action) => action === 'pull' }),
        },
        tokens: { issue: refuse, challenge: 'Basic realm="x"' },
      },
    })
    const headers = { authorization: 'Bearer of bob' }
    try {
      await api.call('PUT', '/v2/a/manifests/v1', { headers })
      await api.call('GET', '/v2/token', { headers: { authorization: 'Basic eDp5' } })
      await api.call('POST', '/v2/token', {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=password&username=x&password=y',
      })
    } finally {
      await api.close()
    }
    assert.deepEqual(
      sink.entries.map(({ action, wanted, user, status }) => [action, wanted, user, status]),
      [
        ['denied', 'push-manifest', 'bob', 401],
        ['login-failed', 'enter', undefined, 401],
        ['login-failed', 'enter', undefined, 401],
      ],
    )
  })

  it('has no line for what changed nothing, and for pulls only when they are asked for', async () => {
    const sink = new MemorySink()
    await using opened = await open(sink)
    const { api, as, short } = opened
    const digest = api.service.addBlob('a', BYTES)
    const all = async () => {
      await api.call('GET', `/v2/a/blobs/${digest}`, as('alice'))
      await api.call('HEAD', `/v2/a/blobs/${digest}`, as('alice'))
      await api.call('GET', '/v2/_catalog', as('alice'))
      await api.call('PUT', '/v2/a/manifests/v1', { ...as('alice'), body: '{' })
      await api.call('DELETE', '/v2/a/manifests/none', as('alice'))
    }
    await all()
    assert.deepEqual(short(), [])
    sink.pulls = true
    await all()
    assert.deepEqual(
      short().map(({ action, bytes, status }) => [action, bytes, status]),
      [['pull-blob', 5, 200]],
    )
  })

  it('writes the line before the answer', async () => {
    const sink = new MemorySink()
    await using opened = await open(sink)
    const { api, as } = opened
    const { promise, resolve } = Promise.withResolvers<void>()
    sink.hold = promise
    let isAnswered = false
    const push = { ...as('alice'), body: BYTES }
    const answer = api.call('POST', `/v2/a/blobs/uploads/?digest=${BLOB}`, push)
    void answer.then(() => (isAnswered = true))
    // It is there already; another request, begun after it, is answered meanwhile.
    while (api.service.repositories.get('a') === undefined)
      await api.call('GET', '/v2/', as('alice'))
    await api.call('GET', '/v2/', as('alice'))
    assert.equal(isAnswered, false)
    resolve()
    assert.equal((await answer).status, 201)
    assert.equal(sink.entries.length, 1)
  })

  it('leaves out text that is no name, tag or digest: it could be anything', async () => {
    const sink = new MemorySink()
    await using opened = await open(sink)
    const { api, as } = opened
    await api.call('GET', '/v2/a/manifests/pass%20word?token=secret', as('bob'))
    await api.call('GET', '/v2/a/blobs/hunter2', as('bob'))
    await api.call('GET', '/v2/Hunter2/tags/list', as('nobody'))
    assert.doesNotMatch(JSON.stringify(sink.entries), /pass|secret|unter2|nobody/)
    assert.ok(sink.entries.length >= 2)
  })
})
