import assert from 'node:assert/strict'
import { FetchedBlocks, LocalBlocks } from '../../src/blocks/block-source.ts'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { BlockContentStore } from '../../src/blocks/content-store.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { advanceTree } from '../../src/tree/advance.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { TreeSource } from '../../src/tree/source.ts'
import { openDisk } from '../support/disk.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Disk } from '../support/disk.ts'
import type { CID } from 'multiformats/cid'

const app = parseName('app')

function bytesOf(label: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [],
      annotations: { label },
    }),
  )
}

async function push(disk: Disk, name: string, tag: string, label: string): Promise<void> {
  const bytes = bytesOf(label)
  const content = await new BlockContentStore(disk.blocks).write(bytes, digestOf(bytes))
  await disk.lane.transact(async (tx) => {
    await tx.putManifest(parseName(name), content)
    await tx.setTag(parseName(name), parseTag(tag), content.digest)
  })
}

/** A mirror of a disk: keeps what it fetched, and can be cut off. */
class Mirror {
  readonly kept = new MemoryBlocks()
  root: CID | undefined
  online = true
  fetched = 0
  readonly directories: DirectoryReader
  readonly source: TreeSource

  constructor(origin: Disk) {
    const remote = new LocalBlocks(origin.blocks)
    const blocks = new FetchedBlocks(this.kept, (cid) => {
      if (!this.online) return Promise.reject(new MissingBlockError(cid))
      this.fetched++
      return remote.get(cid)
    })
    // No cache that could hide a block that was never kept.
    this.directories = new DirectoryReader(blocks, new NodeCache(0))
    this.source = new TreeSource('mirror', () => this.root, this.directories)
  }

  async advance(root: CID): Promise<void> {
    const parts = { reader: this.directories, isKept: (cid: CID) => this.kept.has(cid) }
    await advanceTree(parts, root, this.root)
    this.root = root
  }
}

describe('moving a mirror to a new root', () => {
  it('keeps everything that was used available without the source, under the new root', async () => {
    await using dir = await temporaryDirectory()
    await using origin = await openDisk(dir.path)
    await push(origin, 'app', 'v1', 'one')
    await push(origin, 'unused', 'v1', 'never pulled')
    const mirror = new Mirror(origin)
    await mirror.advance(origin.lane.root)
    const digest = await mirror.source.reader()?.resolveTag(app, parseTag('v1'))
    assert.ok(digest)
    const manifest = await mirror.source.reader()?.manifest(app, digest)
    assert.deepEqual(Buffer.concat(await Array.fromAsync(manifest!.open())), bytesOf('one'))

    await push(origin, 'app', 'v2', 'two')
    await push(origin, 'elsewhere', 'v1', 'three')
    await mirror.advance(origin.lane.root)
    mirror.online = false
    const reader = mirror.source.reader()
    assert.ok(reader)
    assert.deepEqual(await reader.tags(app), ['v1', 'v2'])
    assert.equal(await reader.resolveTag(app, parseTag('v1')), digest)
    assert.deepEqual(
      Buffer.concat(await Array.fromAsync((await reader.manifest(app, digest))!.open())),
      bytesOf('one'),
    )
  })

  it('follows a tag that moved, so that its new digest is known without the source', async () => {
    await using dir = await temporaryDirectory()
    await using origin = await openDisk(dir.path)
    await push(origin, 'app', 'v1', 'one')
    const mirror = new Mirror(origin)
    await mirror.advance(origin.lane.root)
    assert.equal(
      await mirror.source.reader()?.resolveTag(app, parseTag('v1')),
      digestOf(bytesOf('one')),
    )
    await push(origin, 'app', 'v1', 'two')
    await mirror.advance(origin.lane.root)
    mirror.online = false
    assert.equal(
      await mirror.source.reader()?.resolveTag(app, parseTag('v1')),
      digestOf(bytesOf('two')),
    )
  })

  it('fails while the source is gone, so that the old root stays', async () => {
    await using dir = await temporaryDirectory()
    await using origin = await openDisk(dir.path)
    await push(origin, 'app', 'v1', 'one')
    const mirror = new Mirror(origin)
    await mirror.advance(origin.lane.root)
    await mirror.source.reader()?.resolveTag(app, parseTag('v1'))
    const old = mirror.root
    await push(origin, 'app', 'v2', 'two')
    mirror.online = false
    await assert.rejects(mirror.advance(origin.lane.root), MissingBlockError)
    assert.equal(mirror.root, old)
    assert.equal(
      await mirror.source.reader()?.resolveTag(app, parseTag('v1')),
      digestOf(bytesOf('one')),
    )
  })

  it('costs what changed among what is kept, however many tags there are, also across the HAMT border', async () => {
    await using dir = await temporaryDirectory()
    await using origin = await openDisk(dir.path)
    const bytes = bytesOf('many')
    const content = await origin.contents.write(bytes, digestOf(bytes))
    const tagAll = async (from: number, to: number): Promise<void> =>
      origin.lane.transact(async (tx) => {
        await tx.putManifest(app, content)
        for (let i = from; i < to; i++) await tx.setTag(app, parseTag(`tag-${i}`), content.digest)
      })
    await tagAll(0, 3000)
    const mirror = new Mirror(origin)
    await mirror.advance(origin.lane.root)
    assert.ok(await mirror.source.reader()?.resolveTag(app, parseTag('tag-7')))

    await tagAll(3000, 7000) // flat before, a HAMT after
    await mirror.advance(origin.lane.root)
    mirror.online = false
    assert.ok(await mirror.source.reader()?.resolveTag(app, parseTag('tag-7')))
    mirror.online = true
    assert.equal((await mirror.source.reader()?.tags(app))?.length, 7000)

    const before = mirror.fetched
    await origin.lane.transact((tx) => tx.setTag(app, parseTag('one-more'), content.digest))
    await mirror.advance(origin.lane.root)
    assert.ok(mirror.fetched - before < 15, `${mirror.fetched - before} blocks for one new tag`)
    mirror.online = false
    assert.equal((await mirror.source.reader()?.tags(app))?.length, 7001)
  })
})
