import assert from 'node:assert/strict'
import { startApi } from '../support/http.ts'
import { judge } from './oracle.ts'
import { headerOf } from './wire-answer.ts'
import { WireConnection } from './wire-connection.ts'
import type { TestApi } from '../support/http.ts'

/*
 * What the fuzzing of the end points found, each as the shortest sequence that showed it. What it found in parsers is
 * beside their properties: blocks that hide fields (block-nodes), an upload's header that is no JSON (upload-files). And an
 * answer that was lost to a reset only shows between two processes (endpoints).
 */
describe('found by the fuzzing, and gone:', () => {
  let api: TestApi
  let connection: WireConnection
  beforeEach(async () => {
    api = await startApi()
    connection = await WireConnection.open({ port: api.port })
  })
  afterEach(async () => {
    connection.destroy()
    await api.close()
  })

  const send = (text: string, body = Buffer.alloc(0)): void =>
    connection.write(Buffer.concat([Buffer.from(text.replaceAll('\n', '\r\n')), body]))

  it('an expectation that nobody knows was refused without a body', async () => {
    send('PATCH /v2/a/blobs/uploads/x HTTP/1.1\nHost: localhost\nExpect: x\nContent-Length: 0\n\n')
    judge({ method: 'PATCH', target: '/v2/' }, await connection.answer('PATCH'))
  })

  it('an answer without a body did not say so when it ended the connection', async () => {
    send(
      'POST /v2/a/blobs/uploads/ HTTP/1.1\nHost: localhost\nExpect: 100-continue\nContent-Length: 1\n\n',
    )
    const answer = await connection.answer('POST')
    assert.equal(headerOf(answer, 'content-length'), '0')
    judge({ method: 'POST', target: '/v2/a/blobs/uploads/' }, answer)
  })

  it('the answers before a last request were lost when something followed it', async () => {
    const get = (more = ''): string => `GET /v2/a/tags/list HTTP/1.1\nHost: localhost\n${more}\n`
    send(get() + get('Connection: close\n') + get())
    const answers = await connection.rest('GET')
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 404],
    )
  })
})
