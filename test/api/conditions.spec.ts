import assert from 'node:assert/strict'
import { openWorld, access, policies } from '../support/access-world.ts'
import { indexOf } from '../support/random-image.ts'

const PATH = '/v2/team/app/manifests/v1'

describe('api: conditions of requests', () => {
  const [a, b] = ['a', 'b'].map((n) => indexOf([], { annotations: { n } }))
  const open = () =>
    openWorld(access({ policies: policies('team/**: anna -> pull push overwrite delete') }))

  /** A registry with a manifest under v1, the entity tag that clients are given for it, and requests of Anna. */
  async function pushed() {
    const world = await open()
    const anna = world.as('anna')
    const put = (headers: Record<string, string> = {}, index = b!) =>
      anna(`PUT ${PATH}`, {
        body: index.bytes,
        headers: { 'content-type': index.mediaType, ...headers },
      })
    assert.equal((await put({}, a)).status, 201)
    const etag = String((await anna(`HEAD ${PATH}`)).headers.etag)
    return { world, anna, put, etag }
  }

  it('the entity tag of a tag is good for one push, and then for none', async () => {
    const { world, anna, put, etag } = await pushed()
    await using _ = world
    assert.equal(etag, `"${a!.digest}"`)
    assert.equal((await put({ 'if-match': etag })).status, 201)
    const late = await put({ 'if-match': etag }, a)
    assert.deepEqual([late.status, late.code()], [412, 'DENIED'])
    assert.match(late.body.toString(), /If-Match/)
    assert.ok((await anna(`GET ${PATH}`)).body.equals(Buffer.from(b!.bytes)))
  })

  it('a push that is to be the first, and a delete, keep to them too', async () => {
    const { world, anna, put, etag } = await pushed()
    await using _ = world
    assert.equal((await put({ 'if-none-match': '*' })).status, 412)
    for (const headers of [{ 'if-match': '"nope"' }, { 'if-match': `W/${etag}` }])
      assert.equal((await anna(`DELETE ${PATH}`, { headers })).status, 412)
    assert.equal((await anna(`GET ${PATH}`)).status, 200)
    const headers = { 'if-match': `"nope", ${etag}` }
    assert.equal((await anna(`DELETE ${PATH}`, { headers })).status, 202)
    assert.equal((await anna(`DELETE ${PATH}`, { headers })).status, 404)
    assert.equal((await put({ 'if-none-match': '*' })).status, 201)
  })

  it('a blob is deleted on the condition that it is what it is', async () => {
    const { world, anna } = await pushed()
    await using _ = world
    const blob = `/v2/team/app/blobs/${a!.digest}`
    await anna(`POST /v2/team/app/blobs/uploads/?digest=${a!.digest}`, { body: a!.bytes })
    const no = await anna(`DELETE ${blob}`, { headers: { 'if-match': '"nope"' } })
    assert.equal(no.status, 412)
    const yes = await anna(`DELETE ${blob}`, { headers: { 'if-match': `"${a!.digest}"` } })
    assert.equal(yes.status, 202)
  })

  it('a pull is of nothing else than what If-Match names', async () => {
    const { world, anna, etag } = await pushed()
    await using _ = world
    for (const method of ['GET', 'HEAD']) {
      const get = async (headers: Record<string, string>) =>
        (await anna(`${method} ${PATH}`, { headers })).status
      assert.deepEqual(
        [
          await get({ 'if-match': etag }),
          await get({ 'if-match': '*' }),
          await get({ 'if-match': '"nope"' }),
          await get({ 'if-match': '"nope"', 'if-none-match': etag }),
          await get({ 'if-match': etag, 'if-none-match': etag }),
          await get({ 'if-none-match': 'nonsense' }),
        ],
        [200, 200, 412, 412, 304, 200],
      )
    }
  })

  it('what cannot be read of them is 400, and changes nothing', async () => {
    const { world, anna, put } = await pushed()
    await using _ = world
    for (const name of ['if-match', 'if-none-match']) {
      const answers = [
        await put({ [name]: b!.digest }),
        await anna(`DELETE ${PATH}`, { headers: { [name]: b!.digest } }),
      ]
      for (const answer of answers)
        assert.deepEqual([answer.status, answer.code()], [400, 'UNSUPPORTED'])
    }
    assert.ok((await anna(`GET ${PATH}`)).body.equals(Buffer.from(a!.bytes)))
  })

  it('tell nothing to who may not do it anyhow', async () => {
    const { world, etag } = await pushed()
    await using _ = world
    for (const match of [etag, '"nope"', '*', 'nonsense'])
      for (const line of [`PUT ${PATH}`, `DELETE ${PATH}`, `GET ${PATH}`]) {
        const { status } = await world.as('ben')(line, { headers: { 'if-match': match } })
        assert.equal(status, 403, line)
      }
  })

  it('of time are ignored: nothing here has a date', async () => {
    const { world, put } = await pushed()
    await using _ = world
    const headers = { 'if-unmodified-since': 'Wed, 21 Oct 2015 07:28:00 GMT' }
    assert.equal((await put(headers)).status, 201)
  })
})
