import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { spawnSync } from 'node:child_process'
import { answerLength } from './answer-length.ts'
import { Connection, requestBytes } from './connection.ts'
import { blobOf, content } from './content.ts'
import type { AddressInfo } from 'node:net'
import type { ContentPlan } from './content.ts'

/** The pieces share their memory, so each is kept as a copy. */
function whole(plan: ContentPlan): Buffer {
  const pieces: Buffer[] = []
  for (const piece of content(plan)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

describe('the content of a bench', () => {
  it('is the same for the same seed, and of no other', () => {
    const plan = { seed: 7, size: 2_500_000 }
    assert.equal(whole(plan).length, plan.size)
    assert.ok(whole(plan).equals(whole(plan)))
    assert.ok(!whole(plan).equals(whole({ ...plan, seed: 8 })))
    assert.equal(
      blobOf(plan).digest,
      `sha256:${createHash('sha256').update(whole(plan)).digest('hex')}`,
    )
  })

  it('has no two megabytes that are alike, which a registry could keep once', () => {
    const bytes = whole({ seed: 1, size: 3 * 2 ** 20 })
    const megabytes = [0, 1, 2].map((at) => bytes.subarray(at * 2 ** 20, (at + 1) * 2 ** 20))
    assert.equal(new Set(megabytes.map((one) => one.toString('latin1'))).size, 3)
  })

  it('can be an archive that tar takes', () => {
    for (const size of [2 ** 20, 2 ** 20 + 512, 3 * 2 ** 20]) {
      const input = whole({ seed: 1, size, tar: true })
      assert.equal(input.length, size)
      const { stdout, stderr } = spawnSync('tar', ['-tvf', '-'], { input, encoding: 'utf8' })
      assert.match(stdout, new RegExp(` ${size - 1536} .* bench-1\n$`), stderr)
    }
  })
})

describe('the length of an answer', () => {
  const length = (text: string, isHead = false) => answerLength(Buffer.from(text), isHead)?.length
  const head = 'HTTP/1.1 200 OK\r\nX: y\r\n'

  it('is told by Content-Length, and for a HEAD by the head alone', () => {
    const answer = `${head}Content-Length: 5\r\n\r\nhello`
    assert.equal(length(answer), answer.length)
    assert.equal(length(answer.slice(0, -5), true), answer.length - 5)
  })

  it('is told by its chunks when the last has come', () => {
    const answer = `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n`
    assert.equal(length(answer), answer.length)
    for (let cut = 1; cut < answer.length - head.length; cut++)
      assert.equal(length(answer.slice(0, -cut)), undefined, `${cut} bytes short`)
  })

  it('is never the end of the connection', () => {
    assert.throws(() => length(`${head}\r\nhello`), /no length/)
  })
})

describe('a connection of the load client', () => {
  it('asks one thing after the other, and takes whole answers', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/long') {
        response.write('x'.repeat(100_000)) // in chunks
        response.end('y')
      } else if (request.url === '/missing') response.writeHead(404).end('no')
      else request.pipe(response) // and so is this
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      using connection = await Connection.open(host)
      assert.equal(await connection.ask(requestBytes('GET', '/long', host)), 200)
      assert.equal(await connection.ask(requestBytes('HEAD', '/long', host), true), 200)
      assert.equal(await connection.ask(requestBytes('GET', '/missing', host)), 404)
      const body = Buffer.from('hello')
      assert.equal(await connection.ask(requestBytes('PUT', '/', host, {}, body)), 200)
      const cut = connection.ask(requestBytes('GET', '/long', host))
      server.closeAllConnections()
      await assert.rejects(cut)
    } finally {
      server.close()
    }
  })
})
