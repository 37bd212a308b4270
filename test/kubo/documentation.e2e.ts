import assert from 'node:assert/strict'
import { join } from 'node:path'
import { readExamples } from '../support/examples.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { makeSwarmKey } from '../support/swarm-key.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { eventually } from './support/eventually.ts'
import { mirrorsRoot, publishedRoot } from './support/heliport.ts'
import { Kubo } from './support/kubo.ts'

const DOCUMENT = join(import.meta.dirname, '../../docs/network.md')

describe('the commands of docs/network.md for Kubo', function () {
  this.timeout(120_000)

  it('set up a Kubo in a private network, which reads a registry, keeps it, and publishes it again', async () => {
    const examples = await readExamples(DOCUMENT)
    const block = (name: string): string => examples.get(name) ?? assert.fail(`no block ${name}`)
    await using directory = await temporaryDirectory()
    const config = {
      network: { mode: 'private', swarmKey: await makeSwarmKey(directory.path) },
    }
    const image = randomImage({ layers: [3_000_000, 1000] })
    await using registry = await DaemonProcess.start({ config })
    await new RegistryClient(registry.url).pushImage('team/app', image, { tag: 'v1' })
    const root = await publishedRoot(registry)

    await using kubo = await Kubo.start({
      setUp: `${block('kubo set up')}\n${block('kubo private')}`,
      directory: directory.path,
    })
    const given = { HELIPORT: registry.peerAddress, NAME: registry.ipnsName }
    await kubo.shell(block('kubo reads').split('\n')[0] ?? '', given)
    const path = `/ipns/${registry.ipnsName}`
    await eventually(() => kubo.ipfs(['name', 'resolve', path]))
    const said = await kubo.shell(block('kubo reads'), given)
    assert.ok(said.includes(`/ipfs/${root}`), said)

    const published = await kubo.shell(block('kubo publishes'))
    const name = /^k51\w+$/m.exec(published)?.[0] ?? assert.fail(published)
    const peers = [kubo.address]
    await registry.kill()
    for (const mirrored of [name, registry.ipnsName]) {
      await using mirror = await DaemonProcess.start({ config, mirrors: [mirrored], peers })
      await mirrorsRoot(mirror, root)
      await new RegistryClient(mirror.url).pullsExactly('team/app', 'v1', image)
    }
  })
})
