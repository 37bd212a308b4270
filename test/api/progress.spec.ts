import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { movedBytes, Progress } from '../../src/api/progress.ts'
import type { AddressInfo, Socket } from 'node:net'

describe('api: how a connection gets on', () => {
  it('is seen within one piece, however large, that its reader takes little by little', async () => {
    const size = 64 * 1024 * 1024
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
    const [socket] = (await once(server, 'connection')) as [Socket]
    socket.write(Buffer.alloc(size))
    const before = movedBytes(socket)
    assert.ok(before < size, 'the system does not take all of it')
    client.on('readable', () => client.read())
    while (movedBytes(socket) === before) await new Promise((resolve) => void setImmediate(resolve))
    assert.equal(socket.writableLength, size, 'to all others it looks as if nothing were taken')
    client.destroy()
    socket.destroy()
    server.close()
  })

  it('has a rate for the time in which its client is waited for, and for that alone', () => {
    const progress = new Progress(0)
    progress.look(0, 'reading', 0)
    progress.look(10_000, 'reading', 10_000)
    assert.equal(progress.rate, undefined)
    // It waits for us, if only for a moment.
    progress.look(12_000, undefined, 0)
    progress.look(14_000, 'reading', 500_000)
    progress.look(24_000, 'reading', 510_000)
    assert.equal(progress.rate, 1000)
    progress.look(26_000, undefined, 0)
    assert.equal(progress.rate, 1000)
    progress.look(28_000, undefined, 0)
    assert.equal(progress.rate, undefined, 'it has caught up')
  })

  it('begins anew when a reader becomes a sender', () => {
    const progress = new Progress(512)
    for (let now = 0; now < 50_000; now += 5_000)
      assert.equal(progress.look(now, 'reading', 0), false)
    assert.equal(progress.rate, 0)
    for (let now = 50_000; now < 200_000; now += 5_000)
      assert.equal(progress.look(now, 'sending', now), false)
    assert.equal(progress.rate, 1000)
    assert.equal(progress.look(200_000, 'reading', 0), false)
    assert.equal(progress.rate, undefined)
  })
})
