import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Certificates } from '../support/certificate.ts'
import { startApi } from '../support/http.ts'
import type { Socket } from 'node:net'
import type { ListenOptions } from '../../src/api/server.ts'
import type { TestApi } from '../support/http.ts'

const MiB = 1024 * 1024
const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** From somewhere else than the others. */
const ELSEWHERE = { localAddress: '127.0.0.2' }

describe('api: when there are as many connections as there may be', () => {
  let api: TestApi | undefined
  afterEach(() => api?.close())

  /** Somebody asks for much and reads nothing. Then others come, one after the other, until one of them is served. */
  async function play(
    open: (port: number, from?: { localAddress: string }) => Socket,
    tls: ListenOptions['tls'] = undefined,
  ): Promise<void> {
    let now = 0
    api = await startApi({}, { maxConnections: 1, lookEveryMs: 1, now: () => now, tls })
    const digest = api.service.addBlob('a', Buffer.alloc(16 * MiB))
    const slow = open(api.port, ELSEWHERE)
    const closed = new Promise((resolve) => void slow.once('close', resolve))
    slow.write(`GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await once(slow, 'readable')
    const answers = []
    while (answers.at(-1) !== '200' && answers.length < 1000) {
      now += 5000
      const newcomer = open(api.port).on('error', () => undefined)
      newcomer.write(HEALTH)
      let text = ''
      newcomer.on('data', (bytes: Buffer) => (text += String(bytes)))
      await new Promise((resolve) => void newcomer.once('close', resolve))
      answers.push(text.slice(9, 12))
    }
    assert.equal(answers[0], '503', 'at first it is not known that the other is slow')
    assert.equal(answers.at(-1), '200')
    slow.on('error', () => undefined).resume() // the end is behind what it has not read
    await closed
    const said = api.lines.map(({ msg }) => msg)
    assert.ok(said.some((line) => line.includes('the slowest are closed for others that come')))
  }

  it('a newcomer gets the place of a reader that takes nothing', () =>
    play((port, from) => connect({ port, host: '127.0.0.1', ...from })))

  it('a reader that takes too little loses it, though nobody wants it', async () => {
    let now = 0
    api = await startApi({}, { lookEveryMs: 1, now: () => now, minDownloadRate: 512 })
    const digest = api.service.addBlob('a', Buffer.alloc(16 * MiB))
    const slow = connect(api.port, '127.0.0.1').on('error', () => undefined)
    slow.write(`GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await once(slow, 'readable')
    const line = () => api?.lines.find(({ msg }) => msg.includes('limits.minDownloadRate'))
    while (line() === undefined) {
      now += 1000
      await new Promise((resolve) => void setImmediate(resolve))
    }
    const closed = new Promise((resolve) => void slow.once('close', resolve))
    slow.resume()
    await closed
    assert.ok(slow.bytesRead < 16 * MiB)
  })

  it('the same over TLS', async () => {
    await using made = await Certificates.open()
    const tls = { ...(await made.make('one')), minVersion: 1.2 as const }
    const options = { host: '127.0.0.1', rejectUnauthorized: false }
    await play((port, from) => connectTls({ port, ...options, ...from }), tls)
  })
})
