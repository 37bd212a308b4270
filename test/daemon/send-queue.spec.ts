import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { libcFunction } from '../../src/daemon/libc.ts'
import { sendQueueBound } from '../../src/daemon/send-queue.ts'
import type { AddressInfo, Socket } from 'node:net'

/** As in tcp(7). */
const TCP_NOTSENT_LOWAT = [6, 25] as const

describe('the queue of a connection', () => {
  let client: Socket
  let ours: Socket
  beforeEach(async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    ;[ours] = (await once(server, 'connection')) as [Socket]
    server.close()
  })
  afterEach(() => {
    client.destroy()
    ours.destroy()
  })

  it('holds little of what is not sent yet', function () {
    const get = libcFunction('int getsockopt(int, int, int, _Out_ int *, _Inout_ uint32_t *)')
    if (process.platform !== 'linux' || get === undefined) return this.skip() // nothing can be set
    const { fd } = (ours as Socket & { _handle: { fd: number } })._handle
    const unsent = (): number => {
      const value = [0]
      assert.equal(get(fd, ...TCP_NOTSENT_LOWAT, value, [4]), 0)
      return (value[0] ?? 0) >>> 0
    }
    const before = unsent()
    sendQueueBound()(ours)
    assert.deepEqual([before > 2 ** 20 || before === 0, unsent()], [true, 256 * 1024])
  })

  it('is left alone when the connection has gone', async () => {
    ours.destroy()
    await once(ours, 'close')
    sendQueueBound()(ours)
  })
})
