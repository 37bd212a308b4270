import { randomImage } from '../support/random-image.ts'
import { bareStream, keep } from './support/figures.ts'
import { bothWays } from './support/line.ts'
import { MODES, Network, follows } from './support/network.ts'
import { eventuallyPulls } from './support/pull.ts'
import type { Lines } from './support/line.ts'
import type { Node } from './support/network.ts'

const MIB = 1024 * 1024

/** Each as it is said, what it does to the mirror's line, and the layers that are pulled through it. */
const LINES: readonly [what: string, lines: Lines, layers: number[]][] = [
  ['2 % of the packets lost', bothWays({ loss: 0.02 }), [12 * MIB, 4 * MIB]],
  ['50 ms each way', bothWays({ delay: 50 }), [12 * MIB, 4 * MIB]],
  ['1 MiB/s', bothWays({ rate: MIB }), [3 * MIB, MIB]],
]

for (const mode of MODES) {
  describe(`a mirror at the end of a bad line (${mode})`, function () {
    this.timeout(180_000)
    let network: Network
    let source: Node
    before(async () => {
      network = await Network.open(mode)
      source = await network.node('source')
    })
    after(() => network[Symbol.asyncDispose]())

    for (const [line, lines, layers] of LINES) {
      it(`pulls an image exactly: ${line}`, async () => {
        const mirror = await network.node('mirror', { mirrors: [source] })
        await mirror.host.shape(lines)
        const image = randomImage({ layers })
        await source.client.pushImage('team/app', image, { tag: 'v1' })
        await follows(mirror, source)
        const began = performance.now()
        await eventuallyPulls(mirror, 'team/app', 'v1', image)
        const milliseconds = performance.now() - began
        const bytes = layers.reduce((sum, size) => sum + size, 0)
        const bareMilliseconds = await bareStream(source.host, mirror.host, bytes)
        const { shapedBy } = network.wire
        await keep({ line, mode, bytes, milliseconds, bareMilliseconds, shapedBy })
        await mirror.daemon.stop()
      })
    }
  })
}
