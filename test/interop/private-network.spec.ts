import assert from 'node:assert/strict'
import { join } from 'node:path'
import { heliport } from '../faults/launcher.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { DaemonOptions, DaemonStatus } from '../support/daemon-process.ts'

/** A key as `heliport swarm key` makes it. */
async function makeKey(directory: string, name: string): Promise<string> {
  const file = join(directory, name)
  const { code, stderr } = await heliport(['swarm', 'key', '-o', file])
  assert.equal(code, 0, stderr)
  return file
}

function member(swarmKey: string, options: DaemonOptions = {}): Promise<DaemonProcess> {
  return DaemonProcess.start({ ...options, config: { network: { mode: 'private', swarmKey } } })
}

async function follows(mirror: DaemonProcess, root: string): Promise<DaemonStatus> {
  return mirror.until(({ mirrors }) => mirrors[0]?.root === root)
}

describe('a private network', () => {
  it('carries pushes to a mirror, and from the mirror to one who comes when the source is gone', async function () {
    this.timeout(90_000)
    await using directory = await temporaryDirectory()
    const key = await makeKey(directory.path, 'swarm.key')
    await using source = await member(key)
    const mirrors = [source.ipnsName]
    await using mirror = await member(key, { mirrors, peers: [source.peerAddress] })

    const images = [randomImage({ layers: [3_000_000, 1_200_000] }), randomImage()]
    for (const [index, image] of images.entries()) {
      await new RegistryClient(source.url).pushImage('app', image, { tag: `v${index}` })
      await follows(mirror, (await source.status()).storage.root)
      await new RegistryClient(mirror.url).pullsExactly('app', `v${index}`, image)
    }
    const { root } = (await source.status()).storage
    assert.equal((await source.stop()).code, 0)

    await using late = await member(key, { mirrors, peers: [mirror.peerAddress] })
    await follows(late, root)
    for (const [index, image] of images.entries())
      await new RegistryClient(late.url).pullsExactly('app', `v${index}`, image)
    assert.deepEqual(
      (await late.status()).network.peers.map(({ address }) => address),
      [mirror.peerAddress],
    )
  })

  it('lets nobody in who has another key, or none', async function () {
    this.timeout(60_000)
    await using directory = await temporaryDirectory()
    const key = await makeKey(directory.path, 'swarm.key')
    await using source = await member(key)
    await new RegistryClient(source.url).pushImage('app', randomImage(), { tag: 'latest' })
    const asked = { mirrors: [source.ipnsName], peers: [source.peerAddress] }
    await using wrong = await member(await makeKey(directory.path, 'other.key'), asked)
    await using without = await DaemonProcess.start(asked)
    const refused = (daemon: DaemonProcess) =>
      daemon.log.some((line) => line.includes('peer cannot be reached'))
    for (const stranger of [wrong, without]) {
      const { network, mirrors } = await stranger.until(() => refused(stranger))
      assert.deepEqual([network.peers, mirrors[0]?.root], [[], null])
    }
    assert.deepEqual((await source.status()).network.peers, [])
    const told = source.log.filter((line) => line.includes('a connection was refused'))
    assert.equal(told.length, 1, told.join('\n'))
  })

  it('does not start without a key that can be used', async () => {
    await using directory = await temporaryDirectory()
    const environment = {
      REGISTRY_STORAGE_PATH: join(directory.path, 'data'),
      REGISTRY_HTTP_ADDR: '127.0.0.1:0',
      REGISTRY_NETWORK_MODE: 'private',
      REGISTRY_NETWORK_LISTEN: '/ip4/127.0.0.1/tcp/0',
    }
    const missing = join(directory.path, 'swarm.key')
    const ended = await heliport(['serve'], { ...environment, REGISTRY_NETWORK_SWARMKEY: missing })
    assert.equal(ended.code, 1)
    assert.match(
      ended.stderr,
      /^heliport: network\.swarmKey: .*swarm\.key does not exist: copy it/m,
    )
    const without = await heliport(['serve'], environment)
    assert.equal(without.code, 78)
    assert.match(
      without.stderr,
      /network\.swarmKey: is null, but network\.mode private needs a key/,
    )
  })
})
