import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { startApi } from '../support/http.ts'
import { MemoryService } from '../support/memory-service.ts'
import type { ByteRange } from '../../src/registry/ports.ts'
import type { TestApi } from '../support/http.ts'

const CHUNK = 1024 * 1024
const SIZE = 64 * CHUNK

/** A registry whose blobs are read as the spec wants; counts what is asked of it. */
class OddService extends MemoryService {
  read1: (bytes: Uint8Array, signal?: AbortSignal) => AsyncIterable<Uint8Array> = async function* (
    bytes,
  ) {
    yield bytes
  }

  protected override read(
    bytes: Uint8Array,
    _range: ByteRange,
    signal: AbortSignal | undefined,
  ): AsyncIterable<Uint8Array> {
    return this.read1(bytes, signal)
  }
}

describe('api: sending content', () => {
  let api: TestApi
  let service: OddService
  let head: string
  beforeEach(async () => {
    service = new OddService()
    api = await startApi({ service, limits: { blob: 1, sendStallMs: 600 } })
    const digest = service.addBlob('a', Buffer.from('0123456789'))
    head = `GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  })
  afterEach(() => api.close())

  it('answers an error when the source fails before its first byte', async () => {
    service.read1 = async function* () {
      const error = Object.assign(new Error('x'), { name: 'DamagedBlockError' })
      yield await Promise.reject<Uint8Array>(error)
    }
    const client = api.raw()
    client.write(head)
    assert.match(await client.until(/\]\}$/), /^HTTP\/1\.1 503 [^]*UNAVAILABLE/)
  })

  const broken: [string, string[]][] = [
    ['fails in the middle', []],
    ['fails after its last byte', ['56789']],
    ['ends early', ['567']],
    ['has more than it said', ['56789', '!']],
    ['has a chunk too long', ['56789!']],
  ]
  for (const [what, rest] of broken) {
    it(`cuts the connection when a source ${what}: nobody takes that for complete`, async () => {
      const client = api.raw()
      service.read1 = async function* () {
        yield Buffer.from('01234')
        await client.until(/01234$/)
        for (const text of rest) {
          yield Buffer.from(text)
          // Time enough for a chunk to reach the client, if it was sent.
          for (let i = 0; i < 20; i++) await new Promise((resolve) => void setImmediate(resolve))
        }
        if (what.startsWith('fails')) throw new Error('the bytes are not what the digest says')
      }
      client.write(head)
      const received = await client.closed()
      assert.match(received, /^HTTP\/1\.1 200 [^]*Content-Length: 10\r\n/i)
      assert.match(received.split('\r\n\r\n')[1] ?? '', /^01234(567)?$/)
      while (api.lines.length === 0) await new Promise((resolve) => void setImmediate(resolve))
      const [line] = api.lines
      assert.equal(line?.level, 50)
      assert.equal(line?.['aborted'], true)
      assert.notEqual(line?.['err'], undefined)
    })
  }

  it('skips chunks without bytes', async () => {
    service.read1 = async function* (bytes) {
      yield Buffer.alloc(0)
      yield bytes
      yield Buffer.alloc(0)
    }
    const client = api.raw()
    client.write(head)
    await client.until(/0123456789$/)
  })

  describe('that is large', () => {
    let given: number
    let ended: Promise<unknown>
    let held: number
    beforeEach(() => {
      given = 0
      held = 0
      const end = Promise.withResolvers<unknown>()
      ended = end.promise
      const chunk = Buffer.alloc(CHUNK)
      service.getBlob = async (_name, digest) => ({
        digest,
        size: SIZE,
        id: digest,
        hold() {
          held++
          return { [Symbol.dispose]: () => void held-- }
        },
        async *open({ signal } = {}) {
          try {
            for (; given < SIZE; given += CHUNK) {
              signal?.throwIfAborted()
              yield chunk
            }
          } finally {
            end.resolve(signal?.aborted)
          }
        },
      })
    })

    it('reads no further ahead than the reader takes, and cuts off one that takes nothing', async () => {
      const socket = connect(api.port, '127.0.0.1')
      socket.write(head)
      await once(socket, 'readable')
      await ended
      assert.ok(given < 16 * CHUNK, `${given} bytes were read for a reader that took nothing`)
      socket.destroy()
    })

    it('is let go while a reader takes nothing, though nobody else wants anything', async () => {
      const patient = await startApi({
        service,
        limits: { blob: 1, downloads: { few: 16, most: 32, patienceMs: 50 } },
      })
      const socket = connect(patient.port, '127.0.0.1')
      socket.write(head)
      await once(socket, 'readable')
      assert.equal(await ended, false)
      assert.ok(given < SIZE)
      assert.equal(socket.destroyed, false)
      assert.equal(held, 1, 'what is let go could be collected, and the rest would be missing')
      socket.destroy()
      while (held > 0) await new Promise((resolve) => void setImmediate(resolve))
      await patient.close()
    })

    it('stops reading when the client goes away', async () => {
      const client = api.raw()
      client.write(head)
      await client.until(/\r\n\r\n/)
      client.destroy()
      assert.equal(await ended, true)
      assert.ok(given < SIZE)
      const line = () => api.lines.find(({ msg }) => msg === 'request')
      while (line() === undefined) await new Promise((resolve) => void setImmediate(resolve))
      const { level, aborted, err } = line()!
      assert.deepEqual([level, aborted, err], [30, true, undefined])
    })

    it('lets a slow reader that keeps reading have all of it', async () => {
      const socket = connect(api.port, '127.0.0.1')
      socket.write(head.replace('Host', 'Connection: close\r\nHost'))
      let received = 0
      // One read every few ms: slower than the source by far, never silent for long.
      socket.on('data', (bytes: Buffer) => {
        received += bytes.length
        socket.pause()
        setTimeout(() => socket.resume(), 1)
      })
      await once(socket, 'close')
      assert.ok(received > SIZE)
      assert.equal(given, SIZE)
    })

    it('sends nothing of it for HEAD', async () => {
      const digest = `sha256:${'0'.repeat(64)}`
      const answer = await api.call('HEAD', `/v2/a/blobs/${digest}`)
      assert.equal(answer.headers['content-length'], String(SIZE))
      assert.equal(given, 0)
    })
  })
})
