import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { MemoryBlockstore } from 'blockstore-core'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { openDisk } from '../support/disk.ts'
import { stockFiles } from '../support/foreign-tree.ts'
import { collect, randomImage, store } from '../support/random-image.ts'
import { Replica } from '../support/replica.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { ImporterOptions } from 'ipfs-unixfs-importer'
import type { ForeignFile } from '../support/foreign-tree.ts'
import type { CID } from 'multiformats/cid'

const APP = parseName('library/app')
const LAYER = randomFillSync(Buffer.alloc(700_000))

/** A replica of a tree that another program drew. */
async function foreign(
  files: ForeignFile[],
  options: ImporterOptions,
): Promise<{ replica: Replica; root: CID }> {
  const remote = new MemoryBlockstore()
  const all = await Array.fromAsync(
    importer(files, remote, { ...options, wrapWithDirectory: true }),
  )
  const root = all.find(({ path }) => path === '')?.cid ?? assert.fail('no root')
  const replica = await Replica.open(async (cid) =>
    Buffer.concat(await Array.fromAsync(remote.get(cid))),
  )
  await replica.replicate(root)
  replica.cutOff()
  return { replica, root: root.toV1() }
}

const FORMS: [string, ImporterOptions][] = [
  [
    'CIDv0, dag-pb leaves of 256 KiB',
    { cidVersion: 0, rawLeaves: false, chunker: fixedSize({ chunkSize: 262_144 }) },
  ],
  ['a HAMT of fanout 16 from the first entry', { shardSplitThresholdBytes: 0, shardFanoutBits: 4 }],
  ['a HAMT of fanout 256 from the first entry', { shardSplitThresholdBytes: 0 }],
]

describe('a registry that begins with the tree of another', () => {
  it('has the very same root when a Heliport drew it, also with large directories', async function () {
    this.timeout(60_000) // a HAMT is many entries
    await using dir = await temporaryDirectory()
    await using origin = await openDisk(dir.path)
    await store(
      { writer: origin.lane, content: origin.contents },
      APP,
      randomImage(),
      parseTag('v'),
    )
    const { digest } = randomImage()
    await origin.lane.transact(async (tx) => {
      for (let n = 0; n < 1600; n++)
        await tx.setTag(APP, parseTag(`${n}-${'x'.repeat(120)}`), digest)
    })
    await using replica = await Replica.of(origin)
    const { root } = origin.lane
    await replica.replicate(root)
    const began = await replica.disk.lane.begin(root)
    assert.equal(began.toString(), root.toString())
    assert.deepEqual(replica.disk.roots.map(String), [root.toString()])
    await assert.rejects(replica.disk.lane.begin(root), /begins only once/)
  })

  for (const [form, options] of FORMS) {
    it(`has all of it, and can be changed: ${form}`, async () => {
      const image = randomImage()
      const layer = { digest: digestOf(LAYER), bytes: LAYER, size: LAYER.length, mediaType: 'x' }
      image.blobs.push(layer)
      const { replica, root } = await foreign(stockFiles(APP, image), options)
      await using _ = replica
      const { lane } = replica.disk
      const began = await lane.begin(root)
      assert.notEqual(began.toString(), root.toString())
      const reader = replica.disk.source.reader()!
      assert.equal((await reader.tags(APP))?.length, 60)
      assert.equal(await reader.resolveTag(APP, parseTag('v59')), image.digest)
      for (const { digest, bytes } of [...image.blobs, image]) {
        const blob = await reader.blob(APP, digest)
        assert.deepEqual(await collect(blob!.open()), Uint8Array.from(bytes))
      }
      assert.deepEqual(await replica.disk.directories.lookup(began, 'docker').then(Boolean), true)

      await store(
        { writer: lane, content: replica.disk.contents },
        APP,
        randomImage(),
        parseTag('new'),
      )
      await lane.transact((tx) => tx.removeTag(APP, parseTag('v0')))
      const tags = await replica.disk.source.reader()!.tags(APP)
      assert.ok(tags?.includes('new') === true && !tags.includes('v0'))
      assert.equal(tags.length, 60)

      // Our own form depends on the content alone: what was changed and changed back is the same tree.
      const { root: before } = lane
      await lane.transact((tx) => tx.setTag(APP, parseTag('v0'), image.digest))
      assert.notEqual(lane.root.toString(), before.toString())
      await lane.transact((tx) => tx.removeTag(APP, parseTag('v0')))
      assert.equal(lane.root.toString(), before.toString())
    })
  }

  it('does not take over what has no place in a registry', async () => {
    const { replica, root } = await foreign(stockFiles(APP, randomImage()), { cidVersion: 1 })
    await using _ = replica
    const began = await replica.disk.lane.begin(root)
    const { directories } = replica.disk
    let at = began
    for (const name of ['docker', 'registry', 'v2', 'repositories', ...APP.split('/')])
      at = (await directories.lookup(at, name))?.cid ?? assert.fail(name)
    const names = (await Array.fromAsync(directories.list(at))).map(({ name }) => name)
    assert.deepEqual(names.toSorted(), ['_layers', '_manifests'])
  })

  it('begins with nothing when there is nothing, and not at all when a directory is missing', async () => {
    await using dir = await temporaryDirectory()
    await using origin = await openDisk(dir.path)
    await store(
      { writer: origin.lane, content: origin.contents },
      APP,
      randomImage(),
      parseTag('v'),
    )
    await using replica = await Replica.of(origin)
    await assert.rejects(replica.disk.lane.begin(origin.lane.root), { name: 'MissingBlockError' })
    assert.equal(replica.disk.lane.isNew, true)
  })
})
