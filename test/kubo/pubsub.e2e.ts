import assert from 'node:assert/strict'
import { join } from 'node:path'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { eventually } from './support/eventually.ts'
import { exportTree, mirrorsRoot, publishedRoot } from './support/heliport.ts'
import { Kubo } from './support/kubo.ts'

const TAGS = ['v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8', 'v9', 'v10']

describe('names travel by pubsub between Kubo and Heliport', function () {
  this.timeout(120_000)

  it('what we publish reaches a Kubo that has asked for the name once', async () => {
    await using registry = await DaemonProcess.start()
    const client = new RegistryClient(registry.url)
    await client.pushImage('team/app', randomImage(), { tag: 'v1' })
    await using kubo = await Kubo.start()
    await kubo.ipfs(['swarm', 'connect', registry.peerAddress])
    // Its cache believes a record for as long as the record says, a minute. What came by pubsub is behind that.
    const resolve = (): Promise<string> =>
      kubo.ipfs(['name', 'resolve', '--nocache', `/ipns/${registry.ipnsName}`])
    await publishedRoot(registry)
    await eventually(resolve)
    const subscribed = await kubo.ipfs(['name', 'pubsub', 'subs'])
    assert.ok(subscribed.includes(registry.ipnsName), subscribed)

    for (const tag of ['v2', 'v3', 'v4']) {
      await client.pushImage('team/app', randomImage(), { tag })
      const root = await publishedRoot(registry)
      await eventually(async () => assert.equal(await resolve(), `/ipfs/${root}`))
    }
  })

  it('what Kubo publishes reaches us', async () => {
    await using directory = await temporaryDirectory()
    await using registry = await DaemonProcess.start()
    const client = new RegistryClient(registry.url)
    await using kubo = await Kubo.start()
    const name = await kubo.ipfs(['key', 'gen', 'registry'])
    const publish = async (tag: string): Promise<string> => {
      await client.pushImage('team/app', randomImage(), { tag })
      const tree = join(directory.path, tag)
      await exportTree(registry, tree)
      const root = await kubo.ipfs(['add', '--recursive', '--quieter', '--cid-version=1', tree])
      await kubo.ipfs(['name', 'publish', '--key=registry', `/ipfs/${root}`])
      return root
    }
    const first = await publish('v1')
    await using mirror = await DaemonProcess.start({ mirrors: [name], peers: [kubo.address] })
    await mirrorsRoot(mirror, first)
    // Asking every half a minute would need four minutes for these.
    for (const tag of TAGS) await mirrorsRoot(mirror, await publish(tag))
  })
})
