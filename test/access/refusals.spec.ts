import assert from 'node:assert/strict'
import { parseName } from '../../src/oci/name.ts'
import { access, immutableTags, openWorld, policies, seed } from '../support/access-world.ts'
import { randomImage } from '../support/random-image.ts'
import type { Answer } from '../support/http.ts'
import type { RandomManifest } from '../support/random-image.ts'

const RULES = access({
  policies: policies(
    'team/**: reader -> pull',
    'team/**: creator -> pull push',
    'team/**: cleaner -> delete',
    'team/**: anna -> pull push overwrite delete',
    'mine/**: creator -> pull push',
    'public/**: anyone -> pull',
  ),
})

const UPLOADS = 'v2/team/app/blobs/uploads/'
const said = (answer: Answer) =>
  answer.body.length === 0 ? `${answer.status}` : `${answer.status} ${answer.code()}`

/** A manifest of its own that refers to nothing. */
function manifest(): RandomManifest {
  return randomImage({ layers: [] })
}

describe('who may not', () => {
  /** Pushes the config of an image, and then its manifest. */
  async function pushing(
    as: (line: string, options?: object) => Promise<Answer>,
    image: RandomManifest,
    reference: string,
    name = 'team/app',
  ): Promise<Answer> {
    for (const { digest, bytes } of image.blobs)
      await as(`POST /v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes })
    const headers = { 'content-type': image.mediaType }
    return as(`PUT /v2/${name}/manifests/${reference}`, { body: image.bytes, headers })
  }

  it('only reads: every change is 403 (B59)', async () => {
    await using world = await openWorld(RULES)
    const image = await seed(world.own, 'team/app', 'v1')
    const as = world.as('reader')
    const { digest } = image.blobs[0]!
    for (const line of [
      `POST /${UPLOADS}`,
      `POST /${UPLOADS}?digest=${digest}`,
      `POST /${UPLOADS}?mount=${digest}&from=team/app`,
      `PATCH /${UPLOADS}6f1d1e9e-54a5-4a6b-9a3b-6f0a2b8c9d10`,
      `PUT /${UPLOADS}6f1d1e9e-54a5-4a6b-9a3b-6f0a2b8c9d10?digest=${digest}`,
      `DELETE /${UPLOADS}6f1d1e9e-54a5-4a6b-9a3b-6f0a2b8c9d10`,
      'PUT /v2/team/app/manifests/v2',
      `DELETE /v2/team/app/manifests/v1`,
      `DELETE /v2/team/app/manifests/${image.digest}`,
      `DELETE /v2/team/app/blobs/${digest}`,
      'DELETE /v2/team/app/_heliport/repository',
    ])
      assert.equal(said(await as(line)), '403 DENIED', line)
    assert.equal((await as('GET /v2/team/app/manifests/v1')).status, 200)
  })

  it('creates: moves no tag, whichever way it is pushed (B60, GO-2026-6527)', async () => {
    await using world = await openWorld(RULES)
    const before = await seed(world.own, 'team/app', 'latest')
    const as = world.as('creator')
    const image = manifest()
    assert.equal(said(await pushing(as, image, 'latest')), '403 DENIED')
    assert.equal(said(await pushing(as, image, `${image.digest}?tag=latest`)), '403 DENIED')
    assert.equal(said(await pushing(as, image, `${image.digest}?tag=new&tag=latest`)), '403 DENIED')
    assert.equal((await as('GET /v2/team/app/manifests/new')).status, 404, 'nothing of it happened')
    assert.equal((await as(`GET /v2/team/app/manifests/${image.digest}`)).status, 404)
    const now = await as('GET /v2/team/app/manifests/latest')
    assert.equal(now.headers['docker-content-digest'], before.digest)
    // What is no overwrite: the same again, a tag that is not there, no tag at all.
    const headers = { 'content-type': before.mediaType }
    const again = { body: before.bytes, headers }
    assert.equal((await as('PUT /v2/team/app/manifests/latest', again)).status, 201)
    assert.equal((await pushing(as, image, 'new')).status, 201)
    assert.equal((await pushing(as, manifest(), manifest().digest)).status, 400, 'not that digest')
    assert.equal((await pushing(world.as('anna'), image, 'latest')).status, 201)
  })

  it('creates: of 8 who push one tag at once, one does', async () => {
    await using world = await openWorld(RULES)
    const images = Array.from({ length: 8 }, manifest)
    const answers = await Promise.all(
      images.map((image) => pushing(world.as('creator'), image, 'first')),
    )
    const kept = images.filter((_, index) => answers[index]?.status === 201)
    assert.equal(kept.length, 1, answers.map(said).join())
    const now = await world.as('creator')('GET /v2/team/app/manifests/first')
    assert.equal(now.headers['docker-content-digest'], kept[0]?.digest)
  })

  it('pushes: deletes nothing of any kind (B61); deletes that are off are 405 for all', async () => {
    for (const deletes of [true, false]) {
      await using world = await openWorld(RULES, { setup: { options: { deletes } } })
      const image = await seed(world.own, 'team/app', 'v1')
      const lines = [
        'DELETE /v2/team/app/manifests/v1',
        `DELETE /v2/team/app/manifests/${image.digest}`,
        `DELETE /v2/team/app/blobs/${image.blobs[0]!.digest}`,
        'DELETE /v2/team/app/_heliport/repository',
      ]
      for (const line of lines) {
        assert.equal(said(await world.as('creator')(line)), '403 DENIED', line)
        if (!deletes) assert.equal(said(await world.as('anna')(line)), '405 UNSUPPORTED', line)
      }
    }
  })

  it('sees nothing of other repositories through what he knows of them (B62)', async () => {
    await using world = await openWorld(RULES)
    const secret = await seed(world.own, 'vault/app', 'v1')
    await seed(world.own, 'mine/app', 'v1')
    const as = world.as('creator')
    const { digest } = secret.blobs[0]!
    for (const line of [
      `GET /v2/mine/app/blobs/${digest}`,
      `HEAD /v2/mine/app/blobs/${digest}`,
      `GET /v2/mine/app/manifests/${secret.digest}`,
    ])
      assert.equal((await as(line)).status, 404, line)
    for (const name of ['vault/app', 'vault/nothing'])
      assert.equal(said(await as(`GET /v2/${name}/manifests/v1`)), '403 DENIED', name)
    // Not to be used either: neither by a mount, nor by a manifest that refers to it.
    for (const from of ['&from=vault/app', '&from=vault/nothing', '']) {
      const answer = await as(`POST /v2/mine/app/blobs/uploads/?mount=${digest}${from}`)
      assert.equal(answer.status, 202, from)
    }
    const body = secret.bytes
    const headers = { 'content-type': secret.mediaType }
    const put = await as('PUT /v2/mine/app/manifests/v2', { body, headers })
    assert.equal(said(put), '400 MANIFEST_BLOB_UNKNOWN')
    assert.equal((await as(`GET /v2/mine/app/blobs/${digest}`)).status, 404)
  })

  it('mounts what he may pull, named or not', async () => {
    await using world = await openWorld(RULES)
    const { blobs } = await seed(world.own, 'team/base', 'v1')
    const as = world.as('creator')
    for (const [index, from] of ['&from=team/base', ''].entries()) {
      const { digest } = blobs[index]!
      const line = `POST /v2/mine/app/blobs/uploads/?mount=${digest}${from}`
      assert.equal((await as(line)).status, 201, from)
    }
  })

  it('is nobody: sees only what everybody may (B63)', async () => {
    await using world = await openWorld(RULES)
    const shown = await seed(world.own, 'public/base', 'v1')
    const { digest } = await seed(world.own, 'team/app', 'v1')
    const as = world.as('')
    const list = await as('GET /v2/_catalog')
    assert.deepEqual(list.json(), { repositories: ['public/base'] })
    assert.equal((await as('GET /v2/public/base/tags/list')).status, 200)
    for (const line of [
      'GET /v2/team/app/tags/list',
      `GET /v2/team/app/referrers/${digest}`,
      `GET /v2/at/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/team/app/tags/list`,
      `POST /v2/public/base/blobs/uploads/?mount=${digest}`,
    ]) {
      const answer = await as(line)
      assert.equal(said(answer), '401 UNAUTHORIZED', line)
      assert.equal(answer.headers['www-authenticate'], 'Basic realm="test"')
    }
    assert.equal((await as(`GET /v2/public/base/manifests/${shown.digest}`)).status, 200)
  })

  it('did not begin an upload: to him it is not there, whatever he may push (CVE-2026-32589)', async () => {
    await using world = await openWorld(RULES)
    const begun = await world.as('creator')(`POST /${UPLOADS}`)
    const path = begun.headers.location!
    for (const line of [
      `GET ${path}`,
      `PATCH ${path}`,
      `PUT ${path}?digest=sha256:0`,
      `DELETE ${path}`,
    ])
      assert.equal((await world.as('anna')(line)).status, 404, line)
    assert.equal((await world.as('creator')(`GET ${path}`)).status, 204)
  })

  it('has a token for less: its scope is the most he may do', async () => {
    await using world = await openWorld(RULES)
    await seed(world.own, 'team/app', 'v1')
    const as = world.as('token:anna:pull')
    assert.equal((await as('GET /v2/team/app/manifests/v1')).status, 200)
    assert.equal((await as('DELETE /v2/team/app/manifests/v1')).status, 401, 'a better one may do')
    assert.equal((await as('GET /v2/_catalog')).status, 401, 'nor is it good for the catalog')
  })
})

describe('nobody', () => {
  const everything = access({
    policies: policies('**: anna -> pull push overwrite delete'),
    immutableTags: immutableTags('team/**:v*'),
  })

  it('moves or deletes a tag that stays (B29)', async () => {
    await using world = await openWorld(everything)
    const { digest } = await seed(world.own, 'team/app', 'v1', 'latest')
    const other = await seed(world.own, 'team/app', 'next')
    const as = world.as('anna')
    const headers = { 'content-type': other.mediaType }
    const put = { body: other.bytes, headers }
    for (const [line, options] of [
      ['PUT /v2/team/app/manifests/v1', put],
      [`PUT /v2/team/app/manifests/${other.digest}?tag=v1`, put],
      ['DELETE /v2/team/app/manifests/v1', {}],
      [`DELETE /v2/team/app/manifests/${digest}`, {}],
      ['DELETE /v2/team/app/_heliport/repository', {}],
    ] as const) {
      const answer = await as(line, options)
      assert.equal(said(answer), '403 DENIED', line)
      assert.match(answer.body.toString(), /v1 is immutable/)
    }
    const now = await as('GET /v2/team/app/manifests/v1')
    assert.equal(now.headers['docker-content-digest'], digest)
    // What is not meant goes as ever: another tag, a new one, another manifest, one that is not there.
    assert.equal((await as('PUT /v2/team/app/manifests/latest', put)).status, 201)
    assert.equal((await as('PUT /v2/team/app/manifests/v2', put)).status, 201)
    assert.equal((await as('DELETE /v2/team/app/manifests/next')).status, 202)
    assert.equal((await as('DELETE /v2/team/app/manifests/v3')).status, 404)
    assert.equal((await as('DELETE /v2/team/app/manifests/latest')).status, 202)
  })

  it('changes anything while it is read-only; all can be read', async () => {
    await using world = await openWorld({ ...everything, readOnly: true })
    const { digest, blobs } = await seed(world.own, 'team/app', 'v1')
    const as = world.as('anna')
    for (const line of [
      `POST /${UPLOADS}`,
      `POST /${UPLOADS}?mount=${digest}`,
      `PATCH /${UPLOADS}6f1d1e9e-54a5-4a6b-9a3b-6f0a2b8c9d10`,
      `PUT /${UPLOADS}6f1d1e9e-54a5-4a6b-9a3b-6f0a2b8c9d10?digest=${digest}`,
      `DELETE /${UPLOADS}6f1d1e9e-54a5-4a6b-9a3b-6f0a2b8c9d10`,
      'PUT /v2/team/app/manifests/x',
      'DELETE /v2/team/app/manifests/v1',
      `DELETE /v2/team/app/manifests/${digest}`,
      `DELETE /v2/team/app/blobs/${blobs[0]!.digest}`,
      'DELETE /v2/team/app/_heliport/repository',
    ])
      assert.equal(said(await as(line)), '405 UNSUPPORTED', line)
    assert.equal((await as('GET /v2/team/app/manifests/v1')).status, 200)
  })

  it('has to wait for a restart: rules hold from when they are replaced (B65)', async () => {
    await using world = await openWorld(everything)
    await seed(world.own, 'team/app', 'v1')
    const as = world.as('anna')
    assert.equal((await as('GET /v2/team/app/manifests/v1')).status, 200)
    world.rules.replace({ ...everything, policies: policies('**: bob -> pull') })
    assert.equal((await as('GET /v2/team/app/manifests/v1')).status, 403)
    assert.equal((await world.as('bob')('GET /v2/team/app/manifests/v1')).status, 200)
  })
})

describe('the catalog', () => {
  it('has full pages of what somebody may pull, and says truly whether there is more', async () => {
    await using world = await openWorld(access({ policies: policies('**/shown: anna -> pull') }))
    const names = Array.from({ length: 40 }, (_, i) => `r${String(i).padStart(2, '0')}`)
    const { bytes, digest } = randomImage()
    const stored = await world.own.content.write(bytes, digest)
    await world.own.transact(async (tx) => {
      for (const [i, name] of names.entries())
        await tx.linkBlob(parseName(i % 13 === 5 ? `${name}/shown` : name), stored)
    })
    const as = world.as('anna')
    const pages: unknown[] = []
    for (let next: string | undefined = '/v2/_catalog?n=2'; next !== undefined;) {
      const answer = await as(`GET ${next}`)
      pages.push((answer.json() as { repositories: string[] }).repositories)
      next = /<(.+)>/.exec(String(answer.headers['link'] ?? ''))?.[1]
    }
    assert.deepEqual(pages, [['r05/shown', 'r18/shown'], ['r31/shown']])
    assert.deepEqual((await world.as('bob')('GET /v2/_catalog')).json(), { repositories: [] })
  })
})
