import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { eventually } from './support/eventually.ts'
import { exportTree, mirrorsRoot, publishedRoot } from './support/heliport.ts'
import { Kubo } from './support/kubo.ts'

describe('a name outlives its owner', function () {
  this.timeout(120_000)
  const image = randomImage({ layers: [3_000_000, 1000] })

  it('a Kubo that has pinned our tree gives name and content to a node that comes later', async () => {
    await using owner = await DaemonProcess.start()
    await new RegistryClient(owner.url).pushImage('team/app', image, { tag: 'v1' })
    const root = await publishedRoot(owner)
    await using kubo = await Kubo.start()
    await kubo.ipfs(['swarm', 'connect', owner.peerAddress])
    const path = `/ipns/${owner.ipnsName}`
    await eventually(() => kubo.ipfs(['name', 'resolve', path]))
    await kubo.ipfs(['pin', 'add', path])
    await owner.kill()

    await using late = await DaemonProcess.start({
      mirrors: [owner.ipnsName],
      peers: [kubo.address],
    })
    await mirrorsRoot(late, root)
    await new RegistryClient(late.url).pullsExactly('team/app', 'v1', image)
  })

  it("a mirror keeps Kubo's record, and gives it and what it has to another Kubo", async () => {
    await using directory = await temporaryDirectory()
    const tree = join(directory.path, 'tree')
    {
      await using registry = await DaemonProcess.start()
      await new RegistryClient(registry.url).pushImage('team/app', image, { tag: 'v1' })
      await exportTree(registry, tree)
    }
    await using owner = await Kubo.start()
    const name = await owner.ipfs(['key', 'gen', 'registry'])
    const root = await owner.ipfs(['add', '--recursive', '--quieter', '--cid-version=1', tree])
    await owner.ipfs(['name', 'publish', '--key=registry', `/ipfs/${root}`])
    await using mirror = await DaemonProcess.start({ mirrors: [name], peers: [owner.address] })
    await mirrorsRoot(mirror, root)
    await new RegistryClient(mirror.url).pullsExactly('team/app', 'v1', image)
    await owner.stop()

    await using other = await Kubo.start()
    await other.ipfs(['swarm', 'connect', mirror.peerAddress])
    const resolved = await eventually(() => other.ipfs(['name', 'resolve', `/ipns/${name}`]))
    assert.equal(resolved, `/ipfs/${root}`)
    const layer = image.blobs[1] ?? assert.fail('an image without a layer')
    const [, hex = ''] = layer.digest.split(':')
    const data = `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`
    const file = join(directory.path, 'layer')
    await other.ipfs(['get', '--output', file, `/ipns/${name}/${data}`])
    assert.ok(Buffer.from(layer.bytes).equals(await readFile(file)))
  })
})
