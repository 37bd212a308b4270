import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { digestOf } from '../../src/oci/digest.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { eventually } from '../support/two-nodes.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

const MIB = 1024 * 1024

async function openConnection({ url }: DaemonProcess): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** Whether it takes no new connections any more. */
async function refuses(daemon: DaemonProcess): Promise<boolean> {
  try {
    const socket = await openConnection(daemon)
    socket.destroy()
    return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return true
    throw error
  }
}

/** A GET whose answer has begun and is not read on yet; `end` reads all that comes until the other side closes. */
async function beginPull(
  daemon: DaemonProcess,
  path: string,
): Promise<{ socket: Socket; end: () => Promise<Buffer> }> {
  const socket = await openConnection(daemon)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await once(socket, 'readable')
  return {
    socket,
    end: async () => Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)),
  }
}

/** A PATCH that is being received; what it returns sends the rest and gives the answer. */
async function beginPatch(
  daemon: DaemonProcess,
  path: string,
  [first, rest]: [Uint8Array, Uint8Array],
): Promise<() => Promise<IncomingMessage>> {
  const headers = { Expect: '100-continue' } // the daemon says so when it begins to read
  const sent = request(new URL(path, daemon.url), { method: 'PATCH', agent: false, headers })
  sent.flushHeaders()
  await once(sent, 'continue')
  sent.write(first)
  return async () => {
    sent.end(rest)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    answer.resume()
    return answer
  }
}

describe('F03: SIGTERM while uploads and pulls are running', () => {
  it('lets them end, takes nothing new, exits with 0, and the uploads go on after the next start', async () => {
    await using daemon = await DaemonProcess.start()
    const client = new RegistryClient(daemon.url)
    const layer = randomBytes(24 * MIB) // more than the socket buffers of both sides hold
    await client.pushBlob('app', layer)
    const bytes = randomBytes(3 * MIB)
    const idle = await client.patch(await client.startUpload('app'), bytes.subarray(0, MIB + 5))
    const busy = await client.startUpload('app')
    const pull = await beginPull(daemon, `/v2/app/blobs/${digestOf(layer)}`)
    const endPatch = await beginPatch(daemon, busy, [
      bytes.subarray(0, 2 * MIB),
      bytes.subarray(2 * MIB),
    ])

    const exited = daemon.exited()
    process.kill(daemon.pid, 'SIGTERM')
    await eventually(() => refuses(daemon), 'the end of listening')
    pull.socket.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const patched = await endPatch()
    assert.equal(patched.statusCode, 202)
    assert.equal(patched.headers.range, `0-${bytes.length - 1}`)

    const received = await pull.end()
    const body = received.indexOf('\r\n\r\n') + 4
    assert.ok(received.subarray(body, body + layer.length).equals(layer))
    const second = received.subarray(body + layer.length).toString('latin1')
    assert.match(second, /^HTTP\/1\.1 503 [^]*^retry-after: \d+\r$[^]*"code":"UNAVAILABLE"/im)
    assert.deepEqual(await exited, { code: 0, signal: null })

    await daemon.restart()
    await client.patch(idle, bytes.subarray(MIB + 5), MIB + 5)
    for (const path of [busy, idle]) await client.finish(path, digestOf(bytes))
    assert.ok((await client.blob('app', digestOf(bytes))).equals(bytes))
  })

  it('exits with 0 when idle connections are open, and leaves nothing behind', async () => {
    await using daemon = await DaemonProcess.start()
    const sockets = await Promise.all(Array.from({ length: 10 }, () => openConnection(daemon)))
    const closed = sockets.map(async (socket) => {
      socket.on('error', () => undefined) // a reset is an end too
      const { promise, resolve } = Promise.withResolvers<void>()
      socket.resume().once('close', resolve)
      return promise
    })
    assert.deepEqual(await daemon.stop(), { code: 0, signal: null })
    await Promise.all(closed)
    assert.ok(!daemon.log.some((line) => line.includes('left open')))
  })
})
