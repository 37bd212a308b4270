import assert from 'node:assert/strict'
import { join } from 'node:path'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { eventually } from './support/eventually.ts'
import { assertSameFiles, exportTree, publishedRoot } from './support/heliport.ts'
import { Kubo } from './support/kubo.ts'

describe('Kubo reads a registry by its name', function () {
  this.timeout(120_000)
  const cleanUp = new AsyncDisposableStack()
  let directory: string
  let registry: DaemonProcess
  before(async () => {
    directory = cleanUp.use(await temporaryDirectory()).path
    registry = cleanUp.use(await DaemonProcess.start())
    const client = new RegistryClient(registry.url)
    const image = randomImage({ layers: [5 * 1024 * 1024, 1024 * 1024 + 1, 1000] })
    await client.pushImage('team/app', image, { tag: 'v1' })
    await client.pushImage('other', randomImage(), { tag: 'latest' })
  })
  after(() => cleanUp.disposeAsync())

  it('resolves it, and gets the directory that `heliport export` writes', async () => {
    await using kubo = await Kubo.start()
    await kubo.ipfs(['swarm', 'connect', registry.peerAddress])
    const path = `/ipns/${registry.ipnsName}`
    const root = await publishedRoot(registry)
    const resolved = await eventually(() => kubo.ipfs(['name', 'resolve', path]))
    assert.equal(resolved, `/ipfs/${root}`)
    await kubo.ipfs(['get', '--output', join(directory, 'got'), path])
    await exportTree(registry, join(directory, 'exported'))
    await assertSameFiles(join(directory, 'got'), join(directory, 'exported'))
  })

  it('stays connected when it has the registry among its `Peering.Peers`', async () => {
    const [address = '', id = ''] = registry.peerAddress.split('/p2p/')
    await using kubo = await Kubo.start({
      config: { Peering: { Peers: [{ ID: id, Addrs: [address] }] } },
    })
    const connected = async (): Promise<void> => {
      const peers = await kubo.ipfs(['swarm', 'peers'])
      assert.ok(peers.includes(id), peers)
    }
    await eventually(connected)
    await registry.stop()
    await registry.restart()
    await eventually(connected)
    const path = `/ipns/${registry.ipnsName}`
    const resolved = await eventually(() => kubo.ipfs(['name', 'resolve', path]))
    assert.equal(resolved, `/ipfs/${await publishedRoot(registry)}`)
  })
})
