import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { ChangingRules } from '../../src/access/changing.ts'
import { createApp } from '../../src/api/app.ts'
import { listen } from '../../src/api/server.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { PublishRules } from '../../src/oci/publish-rules.ts'
import { openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { access, authenticated, policies } from '../support/access-world.ts'
import { call } from '../support/http.ts'
import { randomImage, store } from '../support/random-image.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'
import type { Answer } from '../support/http.ts'

/*
 * A repository that is not published, on a real disk, and a client who may not read it but knows its name and all its
 * digests: whatever he asks, he gets what he gets for names and digests that nobody ever had.
 */

const [SECRET, NEVER] = ['secret/app', 'secret/nil']
const image = randomImage()
const gone = randomImage()

async function openSecret() {
  const rules = new PublishRules([{ match: ['secret/**' as RepositoryPattern], publish: false }])
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await openWorld(new SeededRandom(1), { waits: false, rules }))
  const { service, storage } = world
  const parts = { writer: storage.lane, content: storage.contents }
  await store(parts, parseName(SECRET), image, parseTag('v1'))
  await store(parts, parseName(SECRET), gone, parseTag('gone'))
  await service.deleteManifest(parseName(SECRET), { kind: 'digest', digest: gone.digest })
  await store(parts, parseName('team/app'), randomImage(), parseTag('v1'))
  const policy = new ChangingRules(
    access({
      policies: policies(
        'secret/**: insider -> pull push overwrite delete',
        'team/**: users -> pull push overwrite delete',
      ),
    }),
  )
  const log = pino({ level: 'silent' })
  const app = createApp({
    service,
    access: authenticated(policy),
    hosts: [],
    status: () => ({ version: 'test', peerId: 'secret' }),
    readiness: () => ({ ready: true }),
    version: 'test',
    log,
    limits: { blob: 1_000_000 },
  })
  const { port, close } = await listen(app, { host: '127.0.0.1', port: 0, log })
  stack.defer(() => close({ signal: AbortSignal.abort() }))
  const as = (authorization: string, line: string, body?: Uint8Array): Promise<Answer> => {
    const [method = '', path = ''] = line.split(' ')
    const type = { 'content-type': image.mediaType }
    const headers = { authorization, ...(body && type) }
    return call({ port: port! }, method, path, { headers, ...(body && { body }) })
  }
  const opened = stack.move()
  return { as, roots: storage.lane.roots, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** What is said, without what names the question, and without ids and dates that are always other ones. */
function said({ status, headers, body }: Answer): string {
  const kept = Object.entries(headers).filter(
    ([name]) => !/^(date|location|docker-upload-uuid|x-request-id|audit.*)$/.test(name),
  )
  return JSON.stringify([status, kept, body.toString()])
    .replaceAll(/sha256:[0-9a-f]{64}/g, '<digest>')
    .replaceAll(/secret\/(app|nil)/g, '<name>')
}

const [layer] = image.blobs
const unknown = digestOf(randomBytes(10))

/** The same question about what is here and about what never was. */
const QUESTIONS: [what: string, about: string, never: string][] = [
  ...['GET', 'HEAD'].flatMap((method) =>
    [
      `manifests/v1`,
      `manifests/${image.digest}`,
      `manifests/${gone.digest}`,
      `blobs/${layer?.digest}`,
      `tags/list`,
      `referrers/${image.digest}`,
    ].map((path): [string, string, string] => [
      `${method} ${path.slice(0, 16)}`,
      `${method} /v2/${SECRET}/${path}`,
      `${method} /v2/${NEVER}/${path}`,
    ]),
  ),
  [
    'a blob by its digest, where he may',
    `HEAD /v2/team/app/blobs/${layer?.digest}`,
    `HEAD /v2/team/app/blobs/${unknown}`,
  ],
  [
    'a manifest by its digest, where he may',
    `GET /v2/team/app/manifests/${image.digest}`,
    `GET /v2/team/app/manifests/${unknown}`,
  ],
  [
    'referrers of it, where he may',
    `GET /v2/team/app/referrers/${image.digest}`,
    `GET /v2/team/app/referrers/${unknown}`,
  ],
  [
    'a mount from it',
    `POST /v2/team/app/blobs/uploads/?mount=${layer?.digest}&from=${SECRET}`,
    `POST /v2/team/app/blobs/uploads/?mount=${layer?.digest}&from=${NEVER}`,
  ],
  [
    'a mount from wherever it is',
    `POST /v2/team/app/blobs/uploads/?mount=${layer?.digest}`,
    `POST /v2/team/app/blobs/uploads/?mount=${unknown}`,
  ],
  ['the deletion of it', `DELETE /v2/${SECRET}/manifests/v1`, `DELETE /v2/${NEVER}/manifests/v1`],
  ['a push to it', `POST /v2/${SECRET}/blobs/uploads/`, `POST /v2/${NEVER}/blobs/uploads/`],
]

describe('a repository that is not published, for a client who may not read it', () => {
  let world: Awaited<ReturnType<typeof openSecret>>

  before(async () => (world = await openSecret()))
  after(() => world[Symbol.asyncDispose]())

  for (const [what, about, never] of QUESTIONS) {
    it(`is as if it were not there: ${what}`, async () => {
      const told = await world.as('outsider', about)
      assert.ok(
        ![200, 201].includes(told.status) || about.includes('/referrers/'),
        `${told.status}`,
      )
      assert.equal(said(told), said(await world.as('outsider', never)))
    })
  }

  it('is as if it were not there: a manifest that names its blobs', async () => {
    const told = await world.as('outsider', 'PUT /v2/team/app/manifests/mine', image.bytes)
    const never = await world.as('outsider', 'PUT /v2/team/app/manifests/mine', randomImage().bytes)
    assert.equal(told.status, 400)
    assert.equal(said(told), said(never))
  })

  it('is in no list', async () => {
    const listed = async (user: string): Promise<string> =>
      (await world.as(user, 'GET /v2/_catalog')).body.toString()
    assert.deepEqual(JSON.parse(await listed('outsider')), { repositories: ['team/app'] })
    assert.deepEqual(JSON.parse(await listed('insider')), { repositories: [SECRET, 'team/app'] })
  })

  it('is not there in the past either, by whichever root; who may read it finds it there', async () => {
    const { public: open, private: hidden } = world.roots
    const nobodys = `${hidden}`.replace(/bafybei./, 'bafybeia')
    for (const root of [open, hidden]) {
      for (const path of ['manifests/v1', `blobs/${layer?.digest}`, 'tags/list']) {
        const at = (name: string, of = root): string => `GET /v2/at/${of}/${name}/${path}`
        const plain = (answer: Answer): string =>
          said(answer).replaceAll(/bafybei[a-z2-7]{52}/g, '<root>')
        const told = await world.as('outsider', at(SECRET))
        assert.equal(plain(told), plain(await world.as('outsider', at(NEVER))))
        const elsewhere = await world.as('outsider', `GET /v2/at/${nobodys}/${SECRET}/${path}`)
        assert.equal(plain(told), plain(elsewhere), 'nor whether that root was ours')
        assert.equal((await world.as('insider', at(SECRET))).status, 200)
      }
    }
  })

  it('is there for who may read it, and what was deleted is not', async () => {
    for (const [path, status] of [
      ['manifests/v1', 200],
      [`manifests/${image.digest}`, 200],
      [`blobs/${layer?.digest}`, 200],
      ['tags/list', 200],
      [`manifests/${gone.digest}`, 404],
      ['manifests/gone', 404],
    ] as const) {
      assert.equal((await world.as('insider', `GET /v2/${SECRET}/${path}`)).status, status, path)
    }
    const mount = `POST /v2/secret/other/blobs/uploads/?mount=${layer?.digest}`
    assert.equal((await world.as('insider', mount)).status, 201)
  })
})
