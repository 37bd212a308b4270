import assert from 'node:assert/strict'
import { access, openWorld, policies, seed } from '../support/access-world.ts'
import { httpRouter, routesOf } from '../support/route-table.ts'
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
 * For every route: who gets through (`yes`), who is asked to log in (`401`) and who is denied (`403`). Of the routes with a
 * name, once for a repository of a team, and once for one that everybody may pull from.
 */
const TABLE = `
route                                     anybody stranger reader writer mover cleaner root
GET    /v2{/}                             yes     yes      yes    yes    yes   yes     yes
GET    /v2/_catalog                       yes     yes      yes    yes    yes   yes     yes
GET    /v2/_oci/ext/discover              yes     yes      yes    yes    yes   yes     yes

GET    /v2/*name/_oci/ext/discover        401     403      yes    yes    yes   403     403
       of public/base                     yes     yes      yes    yes    yes   yes     yes
DELETE /v2/*name/_heliport/repository     401     403      403    403    403   yes     403
       of public/base                     401     403      403    403    403   403     403
GET    /v2/*name/tags/list                401     403      yes    yes    yes   403     403
       of public/base                     yes     yes      yes    yes    yes   yes     yes
GET    /v2/*name/referrers/:digest        401     403      yes    yes    yes   403     403
       of public/base                     yes     yes      yes    yes    yes   yes     yes

POST   /v2/*name/blobs/uploads{/}         401     403      403    yes    yes   403     403
       of public/base                     401     403      403    403    403   403     403
GET    /v2/*name/blobs/uploads/:id        401     403      403    yes    yes   403     403
       of public/base                     401     403      403    403    403   403     403
PATCH  /v2/*name/blobs/uploads/:id        401     403      403    yes    yes   403     403
       of public/base                     401     403      403    403    403   403     403
PUT    /v2/*name/blobs/uploads/:id        401     403      403    yes    yes   403     403
       of public/base                     401     403      403    403    403   403     403
DELETE /v2/*name/blobs/uploads/:id        401     403      403    yes    yes   403     403
       of public/base                     401     403      403    403    403   403     403

GET    /v2/*name/blobs/:digest            401     403      yes    yes    yes   403     403
       of public/base                     yes     yes      yes    yes    yes   yes     yes
DELETE /v2/*name/blobs/:digest            401     403      403    403    403   yes     403
       of public/base                     401     403      403    403    403   403     403
GET    /v2/*name/manifests/:reference     401     403      yes    yes    yes   403     403
       of public/base                     yes     yes      yes    yes    yes   yes     yes
PUT    /v2/*name/manifests/:reference     401     403      403    yes    yes   403     403
       of public/base                     401     403      403    403    403   403     403
DELETE /v2/*name/manifests/:reference     401     403      403    403    403   yes     403
       of public/base                     401     403      403    403    403   403     403

GET    /healthz                           yes     yes      yes    yes    yes   yes     yes
GET    /readyz                            yes     yes      yes    yes    yes   yes     yes
GET    /api/v1/status                     yes     yes      yes    yes    yes   yes     yes
GET    /api/v1/keys                       401     403      403    403    403   403     yes
GET    /api/v1/log                        401     403      403    403    403   403     yes
POST   /api/v1/diff                       401     403      403    403    403   403     yes
POST   /api/v1/gc                         401     403      403    403    403   403     yes
POST   /api/v1/fsck                       401     403      403    403    403   403     yes
POST   /api/v1/rollback                   401     403      403    403    403   403     yes
`

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

/** `METHOD path` of every route there is, from the router itself. */
const routes = (): string[] => routesOf(httpRouter())

/** A request of that route that is about something that is there. */
function request({ route, name }: Row, digest: string): string {
  return route
    .replace('{/}', '/')
    .replace('*name', name)
    .replace(':digest', digest)
    .replace(':reference', 'v1')
    .replace(':id', '6f1d1e9e-54a5-4a6b-9a3b-6f0a2b8c9d10')
}

describe('who gets through where', () => {
  it('is said for every route of the router, and for no other', () => {
    assert.deepEqual([...new Set(rows().map(({ route }) => route))].sort(), routes().sort())
    const named = routes().filter((route) => route.includes('*name'))
    assert.equal(rows().length, routes().length + named.length)
  })

  for (const row of rows())
    it(`${row.route}${row.route.includes('*name') ? ` of ${row.name}` : ''}`, async () => {
      await using world = await openWorld(RULES)
      const { digest } = await seed(world.own, row.name, 'v1')
      const body = row.route.startsWith('POST /api') ? '{}' : undefined
      const line = request(row, digest)
      const answers: string[] = []
      for (const user of USERS) {
        const { status } = await world.as(user)(line, body === undefined ? {} : { body })
        answers.push(status === 401 || status === 403 ? String(status) : 'yes')
      }
      assert.deepEqual(answers, row.answers)
      if (!line.startsWith('GET ')) return
      const head = await world.as('stranger')(line.replace('GET', 'HEAD'))
      assert.equal(head.status === 403 ? '403' : 'yes', row.answers[1], 'HEAD is as GET')
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
    const body = '{"root":"1"}'
    assert.equal((await world.as('root')('POST /api/v1/rollback', { body })).status, 200)
    assert.deepEqual(asked, [true])
  })

  it('keeps what hands out keys, and what writes files, on the socket', async () => {
    await using world = await openWorld(RULES)
    for (const path of ['keys/export', 'keys/import', 'keys/takeover', 'export'])
      assert.equal((await world.as('root')(`POST /api/v1/${path}`, { body: '{}' })).status, 404)
  })
})
