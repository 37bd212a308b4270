import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { makeSwarmKey } from '../support/swarm-key.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { eventually } from './support/eventually.ts'
import { assertSameFiles, exportTree, mirrorsRoot, publishedRoot } from './support/heliport.ts'
import { Kubo } from './support/kubo.ts'

describe('a private network of Heliport and Kubo, by one swarm key', function () {
  this.timeout(120_000)
  const cleanUp = new AsyncDisposableStack()
  const image = randomImage({ layers: [3_000_000, 1000] })
  let directory: string
  let config: { network: { mode: string; swarmKey: string } }
  let registry: DaemonProcess
  let swarmKey: string
  let otherKey: string
  before(async () => {
    directory = cleanUp.use(await temporaryDirectory()).path
    const file = await makeSwarmKey(directory)
    config = { network: { mode: 'private', swarmKey: file } }
    swarmKey = await readFile(file, 'utf8')
    otherKey = await readFile(await makeSwarmKey(directory, 'other.key'), 'utf8')
    registry = cleanUp.use(await DaemonProcess.start({ config }))
    await new RegistryClient(registry.url).pushImage('team/app', image, { tag: 'v1' })
  })
  after(() => cleanUp.disposeAsync())

  it('Kubo reads our name, and we mirror its', async () => {
    const root = await publishedRoot(registry)
    await using kubo = await Kubo.start({ swarmKey })
    await kubo.ipfs(['swarm', 'connect', registry.peerAddress])
    const path = `/ipns/${registry.ipnsName}`
    const resolved = await eventually(() => kubo.ipfs(['name', 'resolve', path]))
    assert.equal(resolved, `/ipfs/${root}`)
    const got = join(directory, 'got')
    await kubo.ipfs(['get', '--output', got, path])
    await exportTree(registry, join(directory, 'exported'))
    await assertSameFiles(got, join(directory, 'exported'))

    const name = await kubo.ipfs(['key', 'gen', 'registry'])
    const added = await kubo.ipfs(['add', '--recursive', '--quieter', '--cid-version=1', got])
    await kubo.ipfs(['name', 'publish', '--key=registry', `/ipfs/${added}`])
    const peers = [kubo.address]
    await using mirror = await DaemonProcess.start({ config, mirrors: [name], peers })
    await mirrorsRoot(mirror, added)
    await new RegistryClient(mirror.url).pullsExactly('team/app', 'v1', image)
  })

  for (const [who, key] of [
    ['another key', () => otherKey],
    ['no key', () => undefined],
  ] as const) {
    it(`a Kubo with ${who} gets no connection, whoever calls`, async () => {
      const text = key()
      await using kubo = await Kubo.start(text === undefined ? {} : { swarmKey: text })
      await assert.rejects(kubo.ipfs(['swarm', 'connect', registry.peerAddress]))
      await using caller = await DaemonProcess.start({ config, peers: [kubo.address] })
      await eventually(() => {
        const refused = caller.log.some((line) => line.includes('peer cannot be reached'))
        return Promise.resolve(assert.ok(refused, caller.log.join('\n')))
      })
      assert.equal(await kubo.ipfs(['swarm', 'peers']), '')
      const { network } = await caller.status()
      assert.deepEqual(network.peers, [])
    })
  }
})
