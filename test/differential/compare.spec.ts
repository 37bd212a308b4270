import assert from 'node:assert/strict'
import { compare } from './compare.ts'
import { World } from './world.ts'
import type { Step } from './step.ts'
import type { Answer } from './wire.ts'

const GET: Step = { do: 'blob', method: 'GET', repository: 'a', digest: { text: 'sha256:x' } }
const request = { method: 'GET', path: '/', headers: {} }

const RIGHT: Answer = {
  status: 200,
  headers: { 'content-type': 'text/plain', 'content-length': '5', etag: '"x"', date: 'now' },
  body: Buffer.from('hello'),
}

/** What is compared of two answers, as `aspect: ours <> theirs`. */
function differences(heliport: Partial<Answer>, reference: Partial<Answer>, step = GET): string[] {
  const exchange = {
    step,
    world: new World('p'),
    requests: { heliport: request, reference: request },
    heliport: { ...RIGHT, ...heliport },
    reference: { ...RIGHT, ...reference },
  }
  return compare(exchange).map((each) => `${each.aspect}: ${each.heliport} <> ${each.reference}`)
}

const error = (code: string): Buffer => Buffer.from(JSON.stringify({ errors: [{ code }] }))

describe('differential: comparing two answers', () => {
  it('finds nothing in two that are the same but for what is free', () => {
    assert.deepEqual(
      differences({}, { headers: { ...RIGHT.headers, date: 'then', server: 'x' } }),
      [],
    )
  })

  for (const name of Object.keys(RIGHT.headers).filter((each) => each !== 'date')) {
    it(`finds ${name} that one of both lacks`, () => {
      const { [name]: value, ...others } = RIGHT.headers
      assert.deepEqual(differences({ headers: others }, {}), [`${name}: none <> ${String(value)}`])
    })
  }

  it('finds another body', () => {
    assert.deepEqual(differences({}, { body: Buffer.from('hellO') }), ['body: hello <> hellO'])
  })

  it('finds another status, with the error codes, and then nothing else', () => {
    const body = error('NAME_UNKNOWN')
    const found = differences({ status: 404, headers: {}, body }, {})
    assert.deepEqual(found, ['status: 404 NAME_UNKNOWN <> 200'])
  })

  it('finds another error code, and no other message', () => {
    const [one, other] = [error('A'), error('B')].map((body) => ({
      status: 404,
      headers: {},
      body,
    }))
    assert.deepEqual(differences(one!, other!), ['codes: A <> B'])
    const same = Buffer.from(JSON.stringify({ errors: [{ code: 'A', message: 'x' }] }))
    assert.deepEqual(differences(one!, { status: 404, headers: {}, body: same }), [])
  })

  it('never takes a failure of Heliport for right', () => {
    const failed = { status: 500, headers: {}, body: error('UNKNOWN') }
    assert.deepEqual(differences(failed, failed), ['failure: 500 UNKNOWN <> 500 UNKNOWN'])
  })

  it('takes a Location for the same whatever its host, its upload’s id and its query are', () => {
    const at = (location: string) => ({ status: 202, headers: { location }, body: Buffer.alloc(0) })
    const ours = at('/v2/p/a/blobs/uploads/1')
    assert.deepEqual(differences(ours, at('http://h:1/v2/p/a/blobs/uploads/2?_state=x')), [])
    assert.equal(differences(ours, at('/v2/p/b/blobs/uploads/1')).length, 1)
  })

  it('takes a Link for the same whatever the order of its parameters is', () => {
    const to = (link: string) => ({ headers: { ...RIGHT.headers, link } })
    const ours = to('</v2/p/a/tags/list?last=v1&n=1>; rel="next"')
    assert.deepEqual(differences(ours, to('</v2/p/a/tags/list?n=1&last=v1>; rel="next"')), [])
    assert.equal(differences(ours, to('</v2/p/a/tags/list?n=1&last=v2>; rel="next"')).length, 1)
    assert.equal(differences(ours, to('/v2/p/a/tags/list?n=1&last=v1; rel=next')).length, 1)
  })

  it('compares lists as JSON, and manifests byte by byte', () => {
    const [compact, spaced] = ['{"a":1}', '{ "a": 1 }\n'].map((text) => (type: string) => ({
      body: Buffer.from(text),
      headers: { 'content-type': type, 'content-length': String(text.length) },
    }))
    assert.deepEqual(differences(compact!('application/json'), spaced!('application/json')), [])
    const manifest = 'application/vnd.oci.image.manifest.v1+json'
    assert.equal(differences(compact!(manifest), spaced!(manifest)).length, 2)
  })
})
