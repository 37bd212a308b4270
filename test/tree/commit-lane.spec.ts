import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DiskBlockStore } from '../../src/blocks/disk-block-store.ts'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { storageError } from '../../src/blocks/storage-error.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { Journal } from '../../src/tree/journal.ts'
import { CommitLane } from '../../src/tree/lane.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { TreeSource } from '../../src/tree/source.ts'
import { RootView } from '../../src/tree/view.ts'
import { openDisk } from '../support/disk.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Disk } from '../support/disk.ts'

const app = parseName('team/app')

function manifestBytes(label: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [],
      annotations: { label },
    }),
  )
}

/** Pushes a manifest under a tag, in one edit. */
async function push(disk: Disk, label: string, tag: string): Promise<Digest> {
  const bytes = manifestBytes(label)
  const digest = digestOf(bytes)
  const content = await disk.contents.write(bytes, digest)
  await disk.lane.transact(async (tx) => {
    await tx.putManifest(app, content)
    await tx.setTag(app, parseTag(tag), digest)
  })
  return digest
}

async function resolve(disk: Disk, tag: string): Promise<Digest | undefined> {
  return disk.source.reader()?.resolveTag(app, parseTag(tag))
}

describe('the commit lane', () => {
  it('keeps every one of 64 edits made at once, in fewer commits', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const pushed = await Promise.all(
      Array.from({ length: 64 }, (_, i) => push(disk, `image ${i}`, `v${i}`)),
    )
    assert.deepEqual(await Promise.all(pushed.map((_, i) => resolve(disk, `v${i}`))), pushed)
    assert.ok(disk.roots.length < 64, `${disk.roots.length} commits`)
  })

  it('gives the last of several writers of one tag, and all their revisions', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const pushed = await Promise.all(
      Array.from({ length: 20 }, (_, i) => push(disk, `image ${i}`, 'latest')),
    )
    assert.ok(pushed.includes((await resolve(disk, 'latest'))!))
    for (const digest of pushed) assert.ok(await disk.source.reader()?.manifest(app, digest))
  })

  it('takes back a failing edit alone, though it shares its commit with others', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const before = push(disk, 'before', 'before')
    const failing = disk.lane.transact(async (tx) => {
      await tx.setTag(app, parseTag('half'), digestOf(Buffer.from('x')))
      await tx.setTag(parseName('other'), parseTag('half'), digestOf(Buffer.from('x')))
      throw new Error('on purpose')
    })
    const after = push(disk, 'after', 'after')
    await assert.rejects(failing, /on purpose/)
    const digests = await Promise.all([before, after])
    assert.deepEqual([await resolve(disk, 'before'), await resolve(disk, 'after')], digests)
    assert.equal(await resolve(disk, 'half'), undefined)
    assert.deepEqual(await disk.source.reader()?.repositories(), ['team/app'])
  })

  it('comes to the same root whatever the order of edits, and back to it when they are undone', async () => {
    await using dirA = await temporaryDirectory()
    await using dirB = await temporaryDirectory()
    await using a = await openDisk(dirA.path)
    await using b = await openDisk(dirB.path)
    const empty = a.lane.root.toString()
    for (const tag of ['one', 'two', 'three']) await push(a, tag, tag)
    for (const tag of ['three', 'one', 'gone', 'two']) await push(b, tag, tag)
    const gone = digestOf(manifestBytes('gone'))
    assert.notEqual(a.lane.root.toString(), b.lane.root.toString())
    assert.deepEqual(await b.lane.transact((tx) => tx.removeManifest(app, gone)), {
      tags: ['gone'],
    })
    await b.lane.transact(async (tx) => tx.removeTag(app, parseTag('never')))
    // The bytes of a deleted manifest stay until the collector takes them; all else is as if it had never been.
    const tagsOf = async (disk: Disk): Promise<unknown> => disk.source.reader()?.tags(app)
    assert.deepEqual(await tagsOf(a), await tagsOf(b))
    for (const tag of ['one', 'two', 'three']) {
      await a.lane.transact((tx) => tx.removeManifest(app, digestOf(manifestBytes(tag))))
    }
    assert.deepEqual(await a.source.reader()?.repositories(), [])
    assert.notEqual(a.lane.root.toString(), empty, 'blobs/ still holds the bytes')
  })

  it('has everything again after a restart, and goes on counting its commits', async () => {
    await using dir = await temporaryDirectory()
    let root: string
    let digest: Digest
    {
      await using disk = await openDisk(dir.path)
      digest = await push(disk, 'kept', 'v1')
      root = disk.lane.root.toString()
    }
    await using disk = await openDisk(dir.path)
    assert.equal(disk.lane.root.toString(), root)
    assert.equal(await resolve(disk, 'v1'), digest)
    await push(disk, 'more', 'v2')
    const entries = await Array.fromAsync(new Journal(disk.state).entries())
    assert.deepEqual(
      entries.map((entry) => entry.sequence),
      [2, 1],
    )
    assert.deepEqual(
      entries[1]?.changes.map((change) => change.action),
      ['put', 'tag'],
    )
    assert.equal(String(entries[1]?.public), root)
  })

  it('writes no entry for a push that changes nothing', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    await push(disk, 'same', 'v1')
    await push(disk, 'same', 'v1')
    assert.equal((await Array.fromAsync(new Journal(disk.state).entries())).length, 1)
  })

  it('serves the state before a damaged newest entry, and takes no changes on top of it', async () => {
    await using dir = await temporaryDirectory()
    let first: Digest
    {
      await using disk = await openDisk(dir.path)
      first = await push(disk, 'one', 'v1')
      await push(disk, 'two', 'v2')
      for await (const [key, value] of disk.state.entries(Buffer.from('j/'), {
        reverse: true,
        limit: 1,
      })) {
        await disk.state.write([{ key, value: value.slice(0, -3) }])
      }
    }
    await using disk = await openDisk(dir.path)
    assert.match(String(disk.lane.stopped), /journal entry 2 is damaged/)
    assert.equal(await resolve(disk, 'v1'), first)
    await assert.rejects(push(disk, 'three', 'v3'), (error) =>
      isRegistryError(error, 'UNAVAILABLE'),
    )
  })

  it('stops when a sync fails, says so to all who wait, and serves what was there', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const kept = await push(disk, 'kept', 'v1')
    const commit = disk.blocks.commit.bind(disk.blocks)
    disk.blocks.commit = () =>
      Promise.reject(Object.assign(new Error('disk gone'), { code: 'EIO' }))
    const isStopped = (error: unknown): boolean => isRegistryError(error, 'UNAVAILABLE')
    await assert.rejects(push(disk, 'lost', 'v2'), isStopped)
    disk.blocks.commit = commit
    await assert.rejects(push(disk, 'later', 'v3'), isStopped)
    assert.equal(await resolve(disk, 'v1'), kept)
    assert.equal(await resolve(disk, 'v2'), undefined)
  })

  for (const isThere of [false, true]) {
    it(`asks the journal after a full disk, and goes on: the commit was ${isThere ? '' : 'not '}there`, async () => {
      await using dir = await temporaryDirectory()
      await using disk = await openDisk(dir.path)
      const first = await push(disk, 'first', 'v1')
      const commit = disk.blocks.commit.bind(disk.blocks)
      disk.blocks.commit = async (writes) => {
        if (isThere) await commit(writes)
        throw storageError(
          'writing',
          Object.assign(new Error('full'), { errno: -28, code: 'ENOSPC' }),
        )
      }
      await assert.rejects(push(disk, 'doubtful', 'v2'), { code: 'ENOSPC' })
      disk.blocks.commit = commit
      const third = await push(disk, 'third', 'v3')
      const doubtful = isThere ? digestOf(manifestBytes('doubtful')) : undefined
      const now = await Promise.all(['v1', 'v2', 'v3'].map((tag) => resolve(disk, tag)))
      assert.deepEqual(now, [first, doubtful, third])
      const sequences = await Array.fromAsync(
        new Journal(disk.state).entries(),
        (entry) => entry.sequence,
      )
      assert.deepEqual(sequences, isThere ? [3, 2, 1] : [2, 1])
    })
  }

  it('commits the others alone when one of a group meets a directory it cannot read', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const bad = parseName('bad')
    const content = await disk.contents.write(manifestBytes('x'), digestOf(manifestBytes('x')))
    await disk.lane.transact(async (tx) => {
      await tx.putManifest(bad, content)
      await tx.setTag(bad, parseTag('v1'), content.digest)
    })
    // The directory of the repository's tags rots. Setting a tag needs it only when the commit is written.
    const path = ['docker', 'registry', 'v2', 'repositories', 'bad', '_manifests', 'tags']
    const tags = await new RootView(disk.lane.root, disk.directories).file(path)
    const key = Buffer.concat([Buffer.from('b/'), tags!.cid.multihash.digest])
    await disk.state.write([{ key, value: Buffer.from('rotten') }])
    // One that has nothing of it in memory.
    const blocks = await DiskBlockStore.open(join(dir.path, 'blocks'), disk.state)
    const fresh = new DirectoryReader(new LocalBlocks(blocks), new NodeCache(0))
    await disk.lane.drain()
    const lane = await CommitLane.open({
      blocks,
      reader: fresh,
      journal: new Journal(disk.state),
      onRoot: () => Promise.resolve(),
      now: () => 0,
    })
    const outcomes = await Promise.allSettled([
      lane.transact((tx) => tx.setTag(parseName('good'), parseTag('a'), content.digest)),
      lane.transact((tx) => tx.setTag(bad, parseTag('b'), content.digest)),
      lane.transact((tx) => tx.setTag(parseName('good'), parseTag('c'), content.digest)),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    const reader = new TreeSource('own', () => lane.root, fresh).reader()
    assert.deepEqual(await reader?.tags(parseName('good')), ['a', 'c'])
  })

  it('takes a journal whose only entry is damaged for unknown, never for empty', async () => {
    await using dir = await temporaryDirectory()
    {
      await using disk = await openDisk(dir.path)
      await push(disk, 'one', 'v1')
      for await (const [key, value] of disk.state.entries(Buffer.from('j/'))) {
        await disk.state.write([{ key, value: value.slice(0, -3) }])
      }
    }
    await using disk = await openDisk(dir.path)
    assert.equal(disk.lane.isNew, false)
    assert.throws(
      () => disk.source.reader(),
      (error) => isRegistryError(error, 'UNAVAILABLE'),
    )
    await assert.rejects(push(disk, 'two', 'v2'), (error) => isRegistryError(error, 'UNAVAILABLE'))
  })

  it('lets work that an edit left running change nothing', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(dir.path)
    const ghost = digestOf(Buffer.from('ghost'))
    let late: Promise<void> | undefined
    const failing = disk.lane.transact(async (tx) => {
      late = setImmediate().then(() => tx.setTag(app, parseTag('ghost'), ghost))
      late.catch(() => undefined)
      throw new Error('on purpose')
    })
    await Promise.allSettled([failing, push(disk, 'neighbour', 'v1')])
    await assert.rejects(late ?? Promise.resolve(), /transaction is over/)
    assert.equal(await resolve(disk, 'ghost'), undefined)
  })

  it('does not mount a blob that cannot be read, for an upload mends it', async () => {
    await using dir = await temporaryDirectory()
    const bytes = Buffer.from('a blob')
    const digest = digestOf(bytes)
    const [other, third] = [parseName('other'), parseName('third')]
    {
      await using disk = await openDisk(dir.path)
      const content = await disk.contents.write(bytes, digest)
      await disk.lane.transact((tx) => tx.linkBlob(app, content))
      assert.equal(await disk.lane.transact((tx) => tx.mountBlob(other, digest, app)), true)
    }
    await using disk = await openDisk(dir.path)
    const key = Buffer.concat([
      Buffer.from('b/'),
      Buffer.from(digest.slice('sha256:'.length), 'hex'),
    ])
    await disk.state.write([{ key, value: Buffer.from('rot') }])
    assert.equal(await disk.lane.transact((tx) => tx.mountBlob(third, digest, app)), false)
    const content = await disk.contents.write(bytes, digest)
    await disk.lane.transact((tx) => tx.linkBlob(app, content))
    assert.equal(await disk.lane.transact((tx) => tx.mountBlob(third, digest, app)), true)
  })

  it('fails an edit whose directory cannot be read, and writes nothing in its place', async () => {
    await using dir = await temporaryDirectory()
    {
      await using disk = await openDisk(dir.path)
      await push(disk, 'one', 'v1')
    }
    await using disk = await openDisk(dir.path)
    // The node of the repository's directory rots.
    const view = await disk.directories.lookup(disk.lane.root, 'docker')
    assert.ok(view)
    const key = Buffer.concat([Buffer.from('b/'), view.cid.multihash.digest])
    await disk.state.write([{ key, value: Buffer.from('rotten') }])
    const root = disk.lane.root.toString()
    await assert.rejects(push(disk, 'two', 'v2'), /damaged/)
    assert.equal(disk.lane.root.toString(), root)
  })
})
