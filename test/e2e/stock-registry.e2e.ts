import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DaemonProcess } from '../support/daemon-process.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { run } from './support/command.ts'
import { RegistryClient } from './support/client.ts'
import { makeImage } from './support/image.ts'
import { writeLayout } from './support/oci-layout.ts'
import { startPlainNode } from './support/plain-node.ts'
import { copy, inspect } from './support/skopeo.ts'
import { StockRegistry } from './support/stock-registry.ts'

const launcher = join(import.meta.dirname, '../../bin/heliport.cjs')

describe('a stock registry and Heliport read the same tree', function () {
  this.timeout(120_000)
  const image = makeImage(
    [
      [{ path: 'etc/' }, { path: 'etc/name', content: 'stock\n' }],
      // More chunks of 256 KiB than one node of 174 links holds.
      [{ path: 'random', content: randomBytes(50 * 1024 * 1024) }],
    ],
    ['/bin/true'],
  )
  const { digest } = image.manifest

  it('what a mirror exports is served by docker-registry', async () => {
    await using directory = await temporaryDirectory()
    await using a = await DaemonProcess.start()
    await new RegistryClient(a.url).push('team/app', 'v1', image)
    const { storage } = await a.until(({ ipns, storage: { root } }) => ipns?.publishedRoot === root)
    await using b = await DaemonProcess.start({
      mirrors: [a.ipnsName],
      peers: [a.peerAddress],
    })
    await b.until(({ mirrors }) => mirrors[0]?.root === storage.root)

    const exported = join(directory.path, 'exported')
    await run(process.execPath, [launcher, 'export', exported, '--config', b.configFile])
    await using stock = await StockRegistry.start(exported)
    const { Digest, RepoTags } = await inspect(`${stock.host}/team/app:v1`)
    assert.deepEqual([Digest, RepoTags], [digest, ['v1']])
    const copied = await copy(
      `docker://${stock.host}/team/app:v1`,
      `oci:${directory.path}/copied:v1`,
    )
    assert.equal(copied, digest)
  })

  it('the directory of a docker-registry, added and published by a plain Helia, is mirrored', async () => {
    await using directory = await temporaryDirectory()
    const storage = join(directory.path, 'stock')
    await writeLayout(join(directory.path, 'made'), image)
    {
      await using stock = await StockRegistry.start(storage)
      const there = `docker://${stock.host}/team/app:v1`
      assert.equal(await copy(`oci:${directory.path}/made:v1`, there), digest)
    }
    await using publisher = await startPlainNode()
    const root = await publisher.add(storage)
    assert.equal(root.version, 0)
    const name = await publisher.publish(root)

    await using mirror = await DaemonProcess.start({
      mirrors: [name],
      peers: publisher.addresses(),
    })
    // A stock Helia does not listen to its own names; then it is found at the next poll, after half a minute.
    await mirror.until(({ mirrors }) => mirrors[0]?.root === root.toV1().toString(), {
      timeout: 60_000,
    })
    const there = `docker://${mirror.host}/team/app:v1`
    const { Digest, RepoTags } = await inspect(`${mirror.host}/team/app:v1`)
    assert.deepEqual([Digest, RepoTags], [digest, ['v1']])
    assert.equal(await copy(there, `oci:${directory.path}/copied:v1`), digest)
  })
})
