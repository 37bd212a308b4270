import assert from 'node:assert/strict'
import { randomImage } from '../support/random-image.ts'
import { CLEAR, bothWays } from './support/line.ts'
import { MODES, Network, follows } from './support/network.ts'
import { Download, eventuallyPulls } from './support/pull.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { Lines } from './support/line.ts'
import type { Node } from './support/network.ts'

const MIB = 1024 * 1024
/** Slow enough that something can happen in the middle. */
const SLOW = { rate: 4 * MIB }
const DEAF: Lines = { up: SLOW, down: { loss: 1 } }
const MUTE: Lines = { up: { loss: 1 }, down: SLOW }

for (const mode of MODES) {
  describe(`a pull through a mirror that is cut off in one direction (C19, ${mode})`, function () {
    this.timeout(200_000)
    let network: Network
    let source: Node
    let mirror: Node
    before(async () => {
      network = await Network.open(mode)
      source = await network.node('source')
      mirror = await network.node('mirror', { mirrors: [source] })
    })
    after(() => network[Symbol.asyncDispose]())
    afterEach(() => mirror.host.shape(CLEAR))

    /** A client has the manifest of a new image, and is in the middle of its layer. */
    async function inTheMiddle(tag: string): Promise<{ image: RandomManifest; pull: Download }> {
      const image = randomImage({ layers: [12 * MIB] })
      await source.client.pushImage('team/app', image, { tag })
      await follows(mirror, source, { timeout: 120_000 })
      await mirror.client.manifest('team/app', tag)
      await mirror.host.shape(bothWays(SLOW))
      const layer = image.blobs[1] ?? assert.fail('an image without a layer')
      const pull = new Download(mirror, 'team/app', layer.digest, 3 * MIB)
      await pull.half()
      return { image, pull }
    }

    for (const [what, lines] of [
      ['hears nothing any more', DEAF],
      ['is not heard any more', MUTE],
    ] as const) {
      it(`goes on, or ends cleanly, when the mirror ${what} for a moment`, async () => {
        const tag = what.replaceAll(' ', '-')
        const { image, pull } = await inTheMiddle(tag)
        await mirror.host.shape(lines)
        // What is here is served meanwhile.
        const { digest } = await mirror.client.manifest('team/app', tag)
        assert.equal(digest, image.digest)
        await mirror.host.shape(CLEAR)
        assert.notEqual((await pull.end).kind, 'wrong')
        await eventuallyPulls(mirror, 'team/app', tag, image)
      })
    }

    if (mode !== 'lan') return // the next takes more than a minute: so long a block is waited for
    it('ends cleanly when the cut lasts; after it the same pull is exact, and the mirror follows again', async () => {
      const { image, pull } = await inTheMiddle('lasting')
      await mirror.host.shape(DEAF)
      assert.equal((await pull.end).kind, 'aborted')
      await mirror.host.shape(CLEAR)
      await eventuallyPulls(mirror, 'team/app', 'lasting', image)
      const next = randomImage({ layers: [MIB] })
      await source.client.pushImage('team/app', next, { tag: 'next' })
      await follows(mirror, source, { timeout: 120_000 })
      await eventuallyPulls(mirror, 'team/app', 'next', next)
    })
  })
}
