import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { makeImage } from '../e2e/support/image.ts'
import { writeLayout } from '../e2e/support/oci-layout.ts'
import { copy, inspect } from '../e2e/support/skopeo.ts'
import { StockRegistry } from '../e2e/support/stock-registry.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { mirrorsRoot } from './support/heliport.ts'
import { Kubo } from './support/kubo.ts'
import type { Image } from '../e2e/support/image.ts'

/** How Kubo may add files: its default is chunks of 256 KiB in dag-pb leaves under CIDv0. */
const WAYS: readonly [string, { profile?: string }, version: 0 | 1][] = [
  ['as it does by default', { profile: 'unixfs-v0-2015' }, 0],
  ['as we do, by its profile unixfs-v1-2025', { profile: 'unixfs-v1-2025' }, 1],
]

/** More chunks of 256 KiB than one node of 174 links holds. */
const LARGE = 46 * 1024 * 1024

function image(size: number): Image {
  return makeImage([[{ path: 'random', content: randomBytes(size) }]], ['/bin/true'])
}

describe('a directory of docker-registry that Kubo publishes', function () {
  this.timeout(180_000)
  for (const [way, options, version] of WAYS) {
    it(`is mirrored when Kubo adds it ${way}, and so is what comes later`, async () => {
      await using directory = await temporaryDirectory()
      const storage = join(directory.path, 'storage')
      await using kubo = await Kubo.start(options)
      const name = await kubo.ipfs(['key', 'gen', 'registry'])

      /** Pushes an image, and has Kubo publish the whole directory. @returns the root */
      const publish = async (tag: string, content: Image): Promise<string> => {
        const made = join(directory.path, tag)
        await writeLayout(made, content)
        await using stock = await StockRegistry.start(storage)
        await copy(`oci:${made}:v1`, `docker://${stock.host}/team/app:${tag}`)
        const root = await kubo.ipfs(['add', '--recursive', '--quieter', storage])
        assert.equal(root.startsWith('Qm') ? 0 : 1, version)
        await kubo.ipfs(['name', 'publish', '--key=registry', `/ipfs/${root}`])
        return await kubo.ipfs(['cid', 'format', '-v', '1', '-b', 'base32', root])
      }

      const first = image(LARGE)
      const root = await publish('v1', first)
      await using mirror = await DaemonProcess.start({ mirrors: [name], peers: [kubo.address] })
      await mirrorsRoot(mirror, root)
      const there = `docker://${mirror.host}/team/app`
      const pulled = await copy(`${there}:v1`, `oci:${directory.path}/pulled:v1`)
      assert.equal(pulled, first.manifest.digest)

      const second = image(1000)
      await mirrorsRoot(mirror, await publish('v2', second))
      const { RepoTags } = await inspect(`${mirror.host}/team/app:v2`)
      assert.deepEqual(RepoTags.toSorted(), ['v1', 'v2'])
      const { digest } = second.manifest
      assert.equal(await copy(`${there}:v2`, `oci:${directory.path}/pulled:v2`), digest)
    })
  }
})
