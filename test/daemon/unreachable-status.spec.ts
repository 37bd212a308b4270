import assert from 'node:assert/strict'
import { DaemonProcess } from '../support/daemon-process.ts'

// Port 9 (discard) of loopback: nobody listens there.
const AWAY = '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'

describe('the status', () => {
  it('has the configured peers that cannot be reached, since when and why', async () => {
    await using daemon = await DaemonProcess.start({ peers: [AWAY] })
    const { network } = await daemon.until((status) => status.network.unreachable.length > 0)
    assert.deepEqual(network.peers, [])
    const [{ address, since, error } = assert.fail()] = network.unreachable
    assert.equal(address, AWAY)
    assert.equal(new Date(since).toISOString(), since)
    assert.match(error, /ECONNREFUSED/)
  })
})
