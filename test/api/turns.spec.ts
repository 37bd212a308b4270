import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Turns } from '../../src/api/turns.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { startApi } from '../support/http.ts'
import type { Socket } from 'node:net'
import type { TestApi } from '../support/http.ts'

const CHUNK = 1024 * 1024
/** More than loopback holds for a reader that takes nothing. */
const SIZE = 24 * CHUNK + 5
const content = randomBytes(SIZE)
const path = `/v2/a/blobs/${digestOf(content)}`

describe('api: many downloads at once', () => {
  let api: TestApi
  let open: number
  let most: number
  /** Waits before each chunk. */
  let before: () => Promise<void>
  beforeEach(async () => {
    ;[open, most] = [0, 0]
    before = async () => undefined
    api = await startApi({
      limits: { blob: SIZE, downloads: { few: 1, most: 3, patienceMs: 50 } },
    })
    api.service.addBlob('a', content)
    api.service.getBlob = async (_name, digest) => ({
      digest,
      size: SIZE,
      id: digest,
      async *open({ range = { offset: 0, length: SIZE } } = {}) {
        open += 1
        most = Math.max(most, open)
        try {
          const end = range.offset + range.length
          for (let at = range.offset; at < end; at += CHUNK) {
            await before()
            yield content.subarray(at, Math.min(at + CHUNK, end))
          }
        } finally {
          open -= 1
        }
      },
    })
  })
  afterEach(() => api.close())

  /** A reader that takes nothing, until it is told to. */
  async function stalled(): Promise<Socket> {
    const { socket } = api.raw()
    await once(socket, 'connect')
    socket.pause()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    return socket
  }

  it('take turns, and each gets every byte', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => api.call('GET', path)))
    for (const { body } of answers) assert.ok(body.equals(content))
    assert.ok(most <= 3, `${most} were read at once`)
    assert.equal(open, 0)
  })

  it('get on while others take nothing, who go on later where they were', async () => {
    const slow = await Promise.all(Array.from({ length: 12 }, stalled))
    for (const range of [undefined, `bytes=${CHUNK + 7}-${20 * CHUNK}`]) {
      const { body } = await api.call(
        'GET',
        path,
        range === undefined ? {} : { headers: { range } },
      )
      const wanted = range === undefined ? content : content.subarray(CHUNK + 7, 20 * CHUNK + 1)
      assert.ok(body.equals(wanted))
    }
    assert.ok(most <= 3, `${most} were read at once`)
    for (const socket of slow) {
      const received: string[] = []
      socket.on('data', (text: string) => received.push(text))
      await once(socket.resume(), 'close')
      const body = Buffer.from(received.join(''), 'latin1').subarray(-SIZE)
      assert.ok(body.equals(content))
    }
    assert.equal(open, 0)
  })

  it('that are small need no turn, and no room', async () => {
    const held = Promise.withResolvers<void>()
    before = () => held.promise
    const patient = await startApi({
      service: api.service,
      limits: { blob: SIZE, downloads: { few: 1, most: 3, patienceMs: 60_000 } },
    })
    const waiting = Array.from({ length: 3 }, () => patient.call('GET', path))
    while (open < 3) await new Promise((resolve) => void setImmediate(resolve))
    before = async () => undefined
    const { body } = await patient.call('GET', path, { headers: { range: 'bytes=5-1004' } })
    assert.ok(body.equals(content.subarray(5, 1005)))
    held.resolve()
    await Promise.all(waiting)
    await patient.close()
  })

  it('are not held up by those whose content has yet to come', async () => {
    const held = Promise.withResolvers<void>()
    before = () => held.promise
    const waiting = Array.from({ length: 6 }, () => api.call('GET', path))
    while (open < 3) await new Promise((resolve) => void setImmediate(resolve))
    before = async () => undefined
    assert.ok((await api.call('GET', path)).body.equals(content))
    held.resolve()
    for (const { body } of await Promise.all(waiting)) assert.ok(body.equals(content))
  })

  it('forget those who leave while they wait', async () => {
    const slow = await Promise.all(Array.from({ length: 12 }, stalled))
    while (open < 3) await new Promise((resolve) => void setImmediate(resolve))
    for (const socket of slow) socket.destroy()
    const { body } = await api.call('GET', path)
    assert.ok(body.equals(content))
    assert.equal(open, 0)
  })
})

describe('turns', () => {
  const { signal } = new AbortController()

  it('go to whoever has waited longest, and not to one that has gone', async () => {
    const turns = new Turns({ most: 1, few: 0, patienceMs: 1000 })
    const taker = { client: 'a', isSlow: false, signal }
    await turns.take(taker)
    const order: number[] = []
    const gone = new AbortController()
    const first = turns.take({ ...taker, signal: gone.signal })
    const others = [2, 3].map(async (n) => {
      await turns.take(taker)
      order.push(n)
      turns.leave()
    })
    gone.abort()
    await assert.rejects(first, { name: 'AbortError' })
    turns.leave()
    await Promise.all(others)
    assert.deepEqual([order, turns.isCrowded, turns.isAwaited], [[2, 3], false, false])
  })

  it('go to those who were slow now and then, while others wait', async () => {
    const turns = new Turns({ most: 1, few: 0, patienceMs: 1000 })
    await turns.take({ client: 'a', isSlow: false, signal })
    const order: string[] = []
    const all = 'ssqqqqqq'.split('').map(async (kind, n) => {
      await turns.take({ client: String(n), isSlow: kind === 's', signal })
      order.push(kind)
      turns.leave()
    })
    turns.leave()
    await Promise.all(all)
    assert.equal(order.join(''), 'qqqsqqqs')
  })

  it('go to clients one after the other', async () => {
    const turns = new Turns({ most: 1, few: 0, patienceMs: 1000 })
    await turns.take({ client: 'a', isSlow: false, signal })
    const order: string[] = []
    const all = 'aaab'.split('').map(async (client) => {
      await turns.take({ client, isSlow: false, signal })
      order.push(client)
      turns.leave()
    })
    turns.leave()
    await Promise.all(all)
    assert.equal(order.join(''), 'abaa')
  })

  it('end a source whose reader stops early, and one that fails only once', async () => {
    const turns = new Turns({ most: 1, few: 0, patienceMs: 1000 })
    const ends: string[] = []
    async function* source(fails: boolean) {
      try {
        yield 1
        if (fails) throw new Error('broken')
        yield 2
      } finally {
        ends.push('ended')
      }
    }
    for await (const _ of turns.lend(source(false))) break
    await assert.rejects(Array.fromAsync(turns.lend(source(true))), /broken/)
    assert.deepEqual(ends, ['ended', 'ended'])
    assert.deepEqual(await Array.fromAsync(turns.lend(source(false))), [1, 2])
  })
})
