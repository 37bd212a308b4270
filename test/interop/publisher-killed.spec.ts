import assert from 'node:assert/strict'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'

describe('a publisher that is killed', () => {
  it('goes on under the same key with higher sequences, and its mirror follows', async () => {
    await using b = await TestNode.start()
    await using a = await DaemonProcess.start({ peers: [b.address] })
    await b.restart({ mirrors: [a.ipnsName], peers: [a.peerAddress] })
    const client = new RegistryClient(a.url)
    const follows = async (): Promise<void> => {
      const { storage } = await a.status()
      await b.until(({ mirrors }) => mirrors[0]?.root === storage.root, 'the root of the process')
    }
    const sequences: number[] = []
    const images = [randomImage({ layers: [1_200_000] }), randomImage()]
    const name = a.ipnsName
    for (const [index, image] of images.entries()) {
      await client.pushImage('app', image, { tag: 'latest' })
      await follows()
      await b.client.pullsExactly('app', 'latest', image)
      sequences.push((await b.status()).mirrors[0]?.sequence ?? 0)

      assert.deepEqual(await a.kill(), { code: null, signal: 'SIGKILL' })
      await b.client.pullsExactly('app', 'latest', image)
      if (index === images.length - 1) break
      await a.restart()
      assert.equal(a.ipnsName, name)
      await client.pullsExactly('app', 'latest', image)
    }
    assert.deepEqual(
      sequences,
      sequences.toSorted((x, y) => x - y),
    )
    assert.equal(new Set(sequences).size, sequences.length)
  })

  it('publishes after its restart what it had acknowledged just before it was killed', async () => {
    await using b = await TestNode.start()
    await using a = await DaemonProcess.start({ peers: [b.address] })
    await b.restart({ mirrors: [a.ipnsName], peers: [a.peerAddress] })
    const image = randomImage()
    await new RegistryClient(a.url).pushImage('app', image, { tag: 'acked' })
    await a.kill()
    await a.restart()
    const { storage } = await a.status()
    await b.until(({ mirrors }) => mirrors[0]?.root === storage.root, 'the root before the kill')
    await b.client.pullsExactly('app', 'acked', image)
  })
})
