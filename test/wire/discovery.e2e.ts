import assert from 'node:assert/strict'
import { randomImage } from '../support/random-image.ts'
import { Network, follows } from './support/network.ts'

describe('hosts of one network find each other by mDNS (lan)', function () {
  this.timeout(120_000)

  it('a mirror finds its source; a later one, with the source gone, finds record and content at the mirror', async () => {
    await using network = await Network.open('lan')
    const source = await network.node('source')
    const image = randomImage({ layers: [3_000_000, 1000] })
    await source.client.pushImage('team/app', image, { tag: 'v1' })
    const mirror = await network.node('mirror', { mirrors: [source], peers: [] })
    await follows(mirror, source)
    await mirror.client.pullsExactly('team/app', 'v1', image)

    await source.daemon.kill()
    source.host.unplug()
    const late = await network.node('late', { mirrors: [source], peers: [] })
    const { mirrors } = await mirror.daemon.status()
    await late.daemon.until((status) => status.mirrors[0]?.root === mirrors[0]?.root, {
      timeout: 60_000,
    })
    await late.client.pullsExactly('team/app', 'v1', image)
    const { network: lan } = await late.daemon.status()
    for (const { address } of lan.peers) assert.match(address, /^\/ip4\/10\.99\.0\./)
  })
})
