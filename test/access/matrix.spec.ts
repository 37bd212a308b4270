import assert from 'node:assert/strict'
import { access, openWorld, policies, seed } from '../support/access-world.ts'
import { allRoutes } from '../support/routes.ts'
import type { CallOptions } from '../support/http.ts'
import type { Control } from '../../src/api/control-face.ts'

/** Nobody in particular, somebody known but named nowhere, and one for each right. */
const USERS = ['', 'stranger', 'reader', 'writer', 'mover', 'cleaner', 'root'] as const

const RULES = access({
  groups: { readers: ['reader'] },
  admins: { users: ['root'], groups: [] },
  policies: policies(
    'team/**: @readers -> pull',
    'team/**: writer -> pull push',
    'team/**: mover -> pull push overwrite',
    'team/**: cleaner -> delete',
    'public/**: anyone -> pull',
  ),
})

/**
 * For every route: what it answers to whom. Who may not is asked to log in (401) or denied (403), and whoever gets through
 * is answered as the route answers what can be done. Of the routes with a name, once for a repository of a team, and once for one that everybody may pull from.
 */
const TABLE = `
route                                     anybody stranger reader writer mover cleaner root
GET    /v2{/}                             200     200      200    200    200   200     200
GET    /v2/_catalog                       200     200      200    200    200   200     200
GET    /v2/_oci/ext/discover              200     200      200    200    200   200     200
GET    /v2/token                          200     200      200    200    200   200     200
POST   /v2/token                          200     200      200    200    200   200     200

GET    /v2/*name/_oci/ext/discover        401     403      200    200    200   403     403
       of public/base                     200     200      200    200    200   200     200
DELETE /v2/*name/_heliport/repository     401     403      403    403    403   202     403
       of public/base                     401     403      403    403    403   403     403
GET    /v2/*name/tags/list                401     403      200    200    200   403     403
       of public/base                     200     200      200    200    200   200     200
GET    /v2/*name/referrers/:digest        401     403      200    200    200   403     403
       of public/base                     200     200      200    200    200   200     200

POST   /v2/*name/blobs/uploads{/}         401     403      403    202    202   403     403
       of public/base                     401     403      403    403    403   403     403
GET    /v2/*name/blobs/uploads/:id        401     403      403    204    204   403     403
       of public/base                     401     403      403    403    403   403     403
PATCH  /v2/*name/blobs/uploads/:id        401     403      403    202    202   403     403
       of public/base                     401     403      403    403    403   403     403
PUT    /v2/*name/blobs/uploads/:id        401     403      403    201    201   403     403
       of public/base                     401     403      403    403    403   403     403
DELETE /v2/*name/blobs/uploads/:id        401     403      403    204    204   403     403
       of public/base                     401     403      403    403    403   403     403

GET    /v2/*name/blobs/:digest            401     403      200    200    200   403     403
       of public/base                     200     200      200    200    200   200     200
DELETE /v2/*name/blobs/:digest            401     403      403    403    403   202     403
       of public/base                     401     403      403    403    403   403     403
GET    /v2/*name/manifests/:reference     401     403      200    200    200   403     403
       of public/base                     200     200      200    200    200   200     200
PUT    /v2/*name/manifests/:reference     401     403      403    201    201   403     403
       of public/base                     401     403      403    403    403   403     403
DELETE /v2/*name/manifests/:reference     401     403      403    403    403   202     403
       of public/base                     401     403      403    403    403   403     403

GET    /healthz                           200     200      200    200    200   200     200
GET    /readyz                            200     200      200    200    200   200     200
GET    /api/v1/status                     200     200      200    200    200   200     200
GET    /api/v1/keys                       401     403      403    403    403   403     200
GET    /api/v1/log                        401     403      403    403    403   403     200
POST   /api/v1/diff                       401     403      403    403    403   403     200
POST   /api/v1/gc                         401     403      403    403    403   403     200
POST   /api/v1/fsck                       401     403      403    403    403   403     200
POST   /api/v1/rollback                   401     403      403    403    403   403     200
`

type World = Awaited<ReturnType<typeof openWorld>>

interface Row {
  readonly route: string
  readonly name: string
  readonly answers: readonly string[]
}

function rows(): Row[] {
  const [, ...lines] = TABLE.trim().split('\n')
  let route = ''
  return lines.flatMap((line) => {
    if (line === '') return []
    const words = line.trim().split(/ +/)
    const answers = words.splice(-USERS.length)
    const isSame = words[0] === 'of'
    if (!isSame) route = words.join(' ')
    return [{ route, name: isSame ? (words[1] ?? '') : 'team/app', answers }]
  })
}

const ROLLBACK = '{"root":"1"}'

/** What has to be sent along for somebody who may. Others are refused whatever they send. */
const BODIES: Readonly<Record<string, string>> = {
  'POST /v2/token': 'grant_type=password&username=a&password=b',
  'POST /api/v1/diff': '{"from":"1","to":"2"}',
  'POST /api/v1/gc': '{"dryRun":true}',
  'POST /api/v1/fsck': '{"repair":false}',
  'POST /api/v1/rollback': ROLLBACK,
}

/** A request of that route that is about something that is there, and can be done to it. */
async function requestOf(
  { route, name }: Row,
  { world, user }: { world: World; user: string },
): Promise<[string, CallOptions]> {
  const { digest, bytes, mediaType, blobs } = await seed(world.own, name, 'v1')
  const blob = blobs[0]!
  const path = route
    .replace('{/}', '/')
    .replace('*name', name)
    .replace('blobs/:digest', `blobs/${blob.digest}`)
    .replace(':digest', digest)
    .replace(':reference', route.startsWith('PUT') ? digest : 'v1')
  if (path.endsWith(':id')) {
    // An upload is for whoever began it.
    const pusher = ['writer', 'mover'].includes(user) ? user : 'writer'
    const { headers } = await world.as(pusher)('POST /v2/team/app/blobs/uploads/')
    const id = String(headers.location).split('/').at(-1) ?? ''
    const line = path.replace(':id', id)
    if (route.startsWith('PUT')) return [`${line}?digest=${blob.digest}`, { body: blob.bytes }]
    return [line, route.startsWith('PATCH') ? { body: blob.bytes } : {}]
  }
  if (route.includes('manifests') && route.startsWith('PUT'))
    return [path, { body: bytes, headers: { 'content-type': mediaType } }]
  const body = BODIES[route]
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  return [path, body === undefined ? {} : { body, headers: body.startsWith('{') ? {} : form }]
}

describe('who gets through where', () => {
  it('is said for every route of the router, and for no other', () => {
    assert.deepEqual([...new Set(rows().map(({ route }) => route))].sort(), allRoutes().sort())
    const named = allRoutes().filter((route) => route.includes('*name'))
    assert.equal(rows().length, allRoutes().length + named.length)
  })

  for (const row of rows())
    it(`${row.route}${row.route.includes('*name') ? ` of ${row.name}` : ''}`, async () => {
      await using world = await openWorld(RULES)
      const answers: string[] = []
      for (const user of USERS) {
        const [line, options] = await requestOf(row, { world, user })
        answers.push(String((await world.as(user)(line, options)).status))
      }
      assert.deepEqual(answers, row.answers)
      if (!row.route.startsWith('GET ')) return
      const [line] = await requestOf(row, { world, user: 'stranger' })
      const head = await world.as('stranger')(line.replace('GET', 'HEAD'))
      assert.equal(String(head.status), row.answers[1], 'HEAD is as GET')
    })

  it('shows the status in full to administrators alone', async () => {
    await using world = await openWorld(RULES)
    for (const user of USERS) {
      const status = (await world.as(user)('GET /api/v1/status')).json()
      const brief = { version: 'test' }
      assert.deepEqual(status, user === 'root' ? { ...brief, peerId: 'secret' } : brief, user)
    }
    const token = await world.as('token:root:pull')('GET /api/v1/status')
    assert.deepEqual(token.json(), { version: 'test' }, 'a token is for clients')
  })

  it('lets administrators roll back as clients, for whom the rules hold', async () => {
    const asked: boolean[] = []
    const rollback: Control['rollback'] = async function* (_root, { asClient }) {
      asked.push(asClient)
      yield { rolledBack: 'root' }
    }
    await using world = await openWorld(RULES, { control: { rollback } as Control })
    assert.equal((await world.as('root')('POST /api/v1/rollback', { body: ROLLBACK })).status, 200)
    assert.deepEqual(asked, [true])
  })

  it('keeps what hands out keys, and what writes files, on the socket', async () => {
    await using world = await openWorld(RULES)
    for (const path of ['keys/export', 'keys/import', 'keys/takeover', 'export'])
      assert.equal((await world.as('root')(`POST /api/v1/${path}`, { body: '{}' })).status, 404)
  })
})
