import assert from 'node:assert/strict'
import { DamagedBlockError } from '../../src/blocks/block-store.ts'
import { BlobSearch } from '../../src/tree/blob-search.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { layout } from '../../src/tree/layout.ts'
import { LinkHints } from '../../src/tree/link-hints.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { TreeTransaction } from '../../src/tree/transaction.ts'
import { RootView } from '../../src/tree/view.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { draftsOf, openDisk } from '../support/disk.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { BlockSource } from '../../src/blocks/block-source.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { Disk } from '../support/disk.ts'

const NEAR = parseName('near')

/** The history of a registry that has none. */
async function* nothing(): AsyncGenerator<never> {}

/** Links one blob for each name, all in one commit, and says which. */
async function fill(disk: Disk, names: readonly RepositoryName[]): Promise<Digest[]> {
  const blobs = await Promise.all(
    names.map((name) => {
      const bytes = Buffer.from(`a blob of ${name}`)
      return disk.contents.write(bytes, digestOf(bytes))
    }),
  )
  await disk.lane.transact(async (tx) => {
    for (const [i, name] of names.entries()) await tx.linkBlob(name, blobs[i]!)
  })
  return blobs.map(({ digest }) => digest)
}

const unlink = (disk: Disk, name: RepositoryName, digest: Digest) =>
  disk.lane.transact((tx) => tx.removeBlob(name, digest))

/** Blocks that are counted as they are read, and of which some cannot be. */
function watched(source: BlockSource) {
  const damaged = new Set<string>()
  const watch = { reads: 0, damaged, failure: undefined as Error | undefined }
  const blocks: BlockSource = {
    readAhead: source.readAhead,
    size: (cid) => source.size(cid),
    get: async (cid, options) => {
      watch.reads++
      if (watch.failure !== undefined) throw watch.failure
      if (damaged.has(cid.toString())) throw new DamagedBlockError(cid, 'on purpose')
      return source.get(cid, options)
    },
  }
  return Object.assign(watch, { reader: new DirectoryReader(blocks, new NodeCache(0)) })
}

describe('the search for a blob', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let disk: Disk
  beforeEach(async () => {
    directory = await temporaryDirectory()
    disk = await openDisk(directory.path)
  })
  afterEach(async () => {
    await disk[Symbol.asyncDispose]()
    await directory[Symbol.asyncDispose]()
  })

  const many = (count: number) => Array.from({ length: count }, (_, i) => parseName(`team${i}/app`))

  it('finds in a new life of the process what was linked in the one before', async () => {
    const names = many(20)
    const digests = await fill(disk, names)
    await disk[Symbol.asyncDispose]()
    disk = await openDisk(directory.path)
    for (const [i, digest] of digests.entries()) {
      assert.equal(await disk.lane.findBlob(digest, NEAR), names[i])
    }
  })

  it('looks into no more directories than it may, and then says nothing', async () => {
    const names = many(100)
    const digests = await fill(disk, names)
    const watch = watched(disk.directories.source)
    const search = new BlobSearch(watch.reader, new LinkHints(nothing, 0), 40)
    let found = 0
    for (const [i, digest] of digests.entries()) {
      watch.reads = 0
      const name = await search.find(disk.lane.root, digest, NEAR)
      assert.ok(watch.reads < 200, `${watch.reads} blocks were read`)
      assert.ok(name === undefined || name === names[i])
      if (name !== undefined) found++
    }
    assert.equal(found, 20, 'each repository is two directories')
  })

  it('needs no walk for what is remembered, nor for what has no bytes here', async () => {
    const names = many(30)
    const digests = await fill(disk, names)
    const hints = new LinkHints(nothing)
    const search = new BlobSearch(disk.directories, hints, 0)
    assert.equal(await search.find(disk.lane.root, digests[7]!, NEAR), undefined)
    hints.set(digests[7]!, names[7]!)
    assert.equal(await search.find(disk.lane.root, digests[7]!, NEAR), names[7])
    const watch = watched(disk.directories.source)
    const absent = digestOf(Buffer.from('nobody has this'))
    const wide = new BlobSearch(watch.reader, new LinkHints(nothing))
    assert.equal(await wide.find(disk.lane.root, absent, NEAR), undefined)
    assert.ok(watch.reads < 10, `${watch.reads} blocks were read`)
  })

  it('reads as much for what others have as for what nobody has, when asked to be discreet', async () => {
    const names = many(30)
    const digests = await fill(disk, names)
    const watch = watched(disk.directories.source)
    const read = async (digest: Digest, isDiscreet: boolean): Promise<number> => {
      const search = new BlobSearch(watch.reader, new LinkHints(nothing, 0))
      const within = (name: RepositoryName): boolean => name !== names[7]
      watch.reads = 0
      const found = await search.find(disk.lane.root, digest, NEAR, { within, isDiscreet })
      assert.equal(found, undefined)
      return watch.reads
    }
    const absent = digestOf(Buffer.from('nobody has this'))
    const blobs = layout.blobs.length
    const [hidden, nowhere] = [await read(digests[7]!, true), await read(absent, true)]
    assert.ok(Math.abs(hidden - nowhere) <= blobs, `${hidden} and ${nowhere} blocks were read`)
    assert.ok((await read(absent, false)) < nowhere / 2)
  })

  it('believes nothing that it remembers', async () => {
    const [a, b] = [parseName('a'), parseName('b')]
    const [digest] = (await fill(disk, [a])) as [Digest]
    const hints = new LinkHints(nothing)
    hints.set(digest, b)
    const search = new BlobSearch(disk.directories, hints)
    assert.equal(await search.find(disk.lane.root, digest, NEAR), a)
    await disk.lane.transact((tx) => tx.mountBlob(b, digest, a))
    await unlink(disk, a, digest)
    assert.equal(await search.find(disk.lane.root, digest, NEAR), b)
    await unlink(disk, b, digest)
    assert.equal(await search.find(disk.lane.root, digest, NEAR), undefined)
    const data = new RootView(disk.lane.root, disk.directories).file(layout.blobData(digest))
    assert.ok(await data, 'the bytes are still in the tree')
  })

  it('passes over a damaged repository, but not over a disk that fails', async () => {
    const names = many(5)
    const digests = await fill(disk, names)
    const view = new RootView(disk.lane.root, disk.directories)
    const watch = watched(disk.directories.source)
    for (const name of names.slice(0, 3)) {
      const broken = await view.file(layout.repository(name))
      watch.damaged.add(String(broken?.cid))
    }
    const search = new BlobSearch(watch.reader, new LinkHints(nothing))
    const answers = []
    for (const digest of digests) answers.push(await search.find(disk.lane.root, digest, NEAR))
    assert.deepEqual(answers, [undefined, undefined, undefined, names[3], names[4]])
    watch.failure = Object.assign(new Error('EIO'), { code: 'EIO' })
    await assert.rejects(search.find(disk.lane.root, digests[4]!, NEAR), /EIO/)
  })

  it('stops when nobody waits any more', async () => {
    const [digest] = (await fill(disk, many(50))) as [Digest]
    const search = new BlobSearch(disk.directories, new LinkHints(nothing))
    const signal = AbortSignal.abort()
    await assert.rejects(search.find(disk.lane.root, digest, NEAR, { signal }), {
      name: 'AbortError',
    })
  })

  it('finds nothing in an empty tree', async () => {
    const search = new BlobSearch(disk.directories, new LinkHints(nothing))
    const digest = digestOf(Buffer.from('x'))
    assert.equal(await search.find(disk.lane.root, digest, NEAR), undefined)
  })

  it('does not mount a link without bytes, as a tree from elsewhere may have it', async () => {
    const [a, b] = [parseName('a'), parseName('b')]
    const [digest] = (await fill(disk, [a])) as [Digest]
    const drafts = draftsOf(disk)
    const draft = drafts.public
    const parts = { drafts, source: disk.directories.source, store: disk.blocks, options: {} }
    assert.equal(await new TreeTransaction(parts).mountBlob(b, digest, a), true)
    await draft.remove(layout.blobData(digest))
    assert.equal(await new TreeTransaction(parts).mountBlob(b, digest, a), false)
  })
})
