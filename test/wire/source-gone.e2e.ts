import assert from 'node:assert/strict'
import { randomImage } from '../support/random-image.ts'
import { CLEAR, bothWays } from './support/line.ts'
import { MODES, Network, follows } from './support/network.ts'
import { Download, eventuallyPulls } from './support/pull.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { Node } from './support/network.ts'

const MIB = 1024 * 1024
const SLOW = bothWays({ rate: 4 * MIB })

for (const mode of MODES) {
  describe(`a source that is gone in mid-pull (${mode})`, function () {
    this.timeout(200_000)
    let network: Network
    let source: Node
    let keeper: Node
    let mirror: Node
    before(async () => {
      network = await Network.open(mode)
      source = await network.node('source')
      keeper = await network.node('keeper', { mirrors: [source] })
      mirror = await network.node('mirror', { mirrors: [source], peers: [source, keeper] })
    })
    after(() => network[Symbol.asyncDispose]())

    async function inTheMiddle(tag: string): Promise<{ image: RandomManifest; pull: Download }> {
      const image = randomImage({ layers: [12 * MIB] })
      await source.client.pushImage('team/app', image, { tag })
      await follows(mirror, source, { timeout: 120_000 })
      await follows(keeper, source, { timeout: 120_000 })
      await mirror.client.manifest('team/app', tag)
      await mirror.host.shape(SLOW)
      const layer = image.blobs[1] ?? assert.fail('an image without a layer')
      const pull = new Download(mirror, 'team/app', layer.digest, 3 * MIB)
      await pull.half()
      return { image, pull }
    }

    it('a pulled cable: the pull goes on, or ends cleanly; with the cable back it is exact', async () => {
      const { image, pull } = await inTheMiddle('cable')
      source.host.unplug()
      await mirror.client.manifest('team/app', 'cable')
      source.host.plug()
      await mirror.host.shape(CLEAR)
      assert.notEqual((await pull.end).kind, 'wrong')
      await eventuallyPulls(mirror, 'team/app', 'cable', image)
    })

    it('killed: who is in the middle of it gets the rest from another mirror', async () => {
      const { image, pull } = await inTheMiddle('killed')
      await keeper.client.pullsExactly('team/app', 'killed', image)
      await source.daemon.kill()
      await mirror.host.shape(CLEAR)
      const end = await pull.end
      assert.equal(end.kind, 'whole', JSON.stringify(end))
      await mirror.client.pullsExactly('team/app', 'killed', image)
    })

    it('a third node, started now and knowing one mirror, has record and content from the mirrors', async () => {
      const tags = await mirror.client.tags('team/app')
      const late = await network.node('late', { mirrors: [source], peers: [keeper] })
      await late.daemon.until(({ mirrors }) => mirrors[0]?.root !== null, { timeout: 120_000 })
      assert.deepEqual(await late.client.tags('team/app'), tags)
      const { digest } = await keeper.client.manifest('team/app', 'killed')
      const { digest: there } = await late.client.manifest('team/app', 'killed')
      assert.equal(there, digest)
    })
  })
}
