import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { judgeGuarded } from './guard-oracle.ts'
import { isHarmless, rollsBack } from './render.ts'
import type { WireAnswer } from './wire-answer.ts'

const secret = digestOf(Buffer.from('secret'))

function answer(status: number, headers: [string, string][] = [], body = ''): WireAnswer {
  return { status, headers, body: Buffer.from(body), interim: [] }
}

function judged(line: string, given: WireAnswer): void {
  const [method = '', target = ''] = line.split(' ')
  judgeGuarded({ method, target }, given, new Set([secret]))
}

describe('the judge of rights lets pass', () => {
  const good: [line: string, given: WireAnswer][] = [
    ['GET /v2/kept/images/tags/list', answer(200)],
    ['DELETE /v2/kept/images/manifests/v1', answer(403)],
    ['POST /v2/fuzz/r0/blobs/uploads/?mount=x&from=kept/images', answer(201)],
    ['GET /v2/secret/images/tags/list', answer(404, [], 'secret/images')],
    ['GET /v2/', answer(401, [['www-authenticate', 'Bearer realm="x"']])],
  ]
  for (const [line, given] of good)
    it(`${line}: ${given.status}`, () => assert.doesNotThrow(() => judged(line, given)))
})

describe('the judge of rights finds', () => {
  const bad: [what: string, why: RegExp, line: string, given: WireAnswer][] = [
    ['a delete', /was changed/, 'DELETE /v2/kept/images/manifests/v1', answer(202)],
    ['a push', /was changed/, 'PUT /v2/kept%2Fimages/manifests/v1', answer(201)],
    ['a read of a secret', /is secret/, 'GET /v2/secret/images/tags/list', answer(200)],
    ['one of the past', /is secret/, 'HEAD /v2/at/bafy/secret/images/manifests/v1', answer(200)],
    [
      'a mount of a secret',
      /secret digest/,
      `POST /v2/fuzz/r0/blobs/uploads/?mount=${secret}`,
      answer(201, [['docker-content-digest', secret]]),
    ],
    [
      'its name in a list',
      /name of what is secret/,
      'GET /v2/_catalog',
      answer(200, [], '{"repositories":["secret/images"]}'),
    ],
    ['a 401 without a way in', /log in/, 'GET /v2/', answer(401)],
  ]
  for (const [what, why, line, given] of bad)
    it(what, () => assert.throws(() => judged(line, given), why))
})

describe('what may be sent', () => {
  const post = (body: string) => ({
    method: 'POST',
    target: '/api/v1/rollback',
    body: Buffer.from(body),
  })

  it('is no rollback that is more than a try', () => {
    assert.ok(rollsBack(post('{"root":"1"}')))
    assert.ok(rollsBack(post('{"root":"1","dryRun":false}')))
    assert.ok(!rollsBack(post('{"root":"1","dryRun":true}')))
    assert.ok(!rollsBack(post('{"root":')))
  })

  it('is, where nobody is asked who he is, nothing that takes away what is kept', () => {
    const may = (line: string): boolean => {
      const [method = '', target = ''] = line.split(' ')
      return isHarmless({ method, target, body: Buffer.alloc(0) })
    }
    assert.ok(!may('DELETE /v2/kept/images/manifests/v1'))
    assert.ok(!may('DELETE /v2/secret/images/_heliport/repository'))
    assert.ok(!may('PUT /v2/kept%2fimages/manifests/v1'))
    assert.ok(may('DELETE /v2/fuzz/r0/manifests/v1'))
    assert.ok(may(`DELETE /v2/at/bafybei${'a'.repeat(52)}/kept/images/manifests/v1`))
  })
})
