import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { DirectoryEditor } from '../../src/tree/directory-edit.ts'
import { Journal } from '../../src/tree/journal.ts'
import { layout } from '../../src/tree/layout.ts'
import { TreeSource } from '../../src/tree/source.ts'
import { TreeTransaction } from '../../src/tree/transaction.ts'
import { RootView } from '../../src/tree/view.ts'
import { draftsOf, openDisk } from '../support/disk.ts'
import { randomImage, store } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Disk } from '../support/disk.ts'

const [app, inner] = [parseName('team/app'), parseName('team/app/inner')]
const v1 = parseTag('v1')

const writable = ({ lane, contents }: Disk) => ({ writer: lane, content: contents })

describe('a repository that is removed from the tree', () => {
  it('is one line of the history, and stands in the roots before', async () => {
    await using directory = await temporaryDirectory()
    await using disk = await openDisk(directory.path)
    const image = randomImage()
    for (const name of [app, inner]) await store(writable(disk), name, image, v1)
    const before = disk.lane.root
    await disk.lane.transact((tx) => tx.removeRepository(app))
    const [newest, older] = await Array.fromAsync(new Journal(disk.state).entries({ limit: 2 }))
    assert.deepEqual(newest?.changes, [{ action: 'drop', name: app }])
    assert.equal(newest.public.toString(), disk.lane.root.toString())
    assert.equal(older?.public.toString(), before.toString())
    const then = new TreeSource('then', () => before, disk.directories).reader()
    assert.equal(await then?.resolveTag(app, v1), image.digest)
    assert.deepEqual(await disk.source.reader()?.repositories(), [inner])
  })

  it('is gone after a restart, with its neighbours as they were', async () => {
    await using directory = await temporaryDirectory()
    const image = randomImage()
    {
      await using disk = await openDisk(directory.path)
      for (const name of [app, inner]) await store(writable(disk), name, image, v1)
      await disk.lane.transact((tx) => tx.removeRepository(app))
    }
    await using disk = await openDisk(directory.path)
    const reader = disk.source.reader() ?? assert.fail()
    assert.equal(await reader.tags(app), undefined)
    assert.equal(await reader.resolveTag(inner, v1), image.digest)
  })

  it('leaves no directory behind, and no branch that only other registries make', async () => {
    await using directory = await temporaryDirectory()
    await using disk = await openDisk(directory.path)
    const image = randomImage()
    await store(writable(disk), app, image, v1)
    // As a tree that was made elsewhere: `_uploads`, and something that nobody knows yet.
    const drafts = draftsOf(disk)
    const draft = drafts.public
    const link = (await draft.file(layout.link(layout.tagCurrent(app, v1)))) ?? assert.fail()
    for (const branch of ['_uploads', '_later'])
      await draft.set([...layout.repository(app), branch, 'x', 'startedat'], link)
    const { source } = disk.directories
    const tx = new TreeTransaction({ drafts, source, store: disk.blocks, options: {} })
    assert.equal(await tx.removeRepository(app), true)
    const editor = new DirectoryEditor(disk.directories, async ({ cid, bytes }) => {
      await disk.blocks.put(cid, bytes)
    })
    const root = (await draft.write(editor)) ?? assert.fail('the bytes are still there')
    const view = new RootView(root.cid, disk.directories)
    assert.equal(await view.names(layout.repositories), undefined)
  })

  it('is not removed when its directory cannot be read (I3)', async () => {
    await using directory = await temporaryDirectory()
    await using disk = await openDisk(directory.path)
    await store(writable(disk), app, randomImage(), v1)
    const before = disk.lane.root
    const drafts = draftsOf(disk)
    const draft = drafts.public
    const failure = Object.assign(new Error('EIO'), { code: 'EIO' })
    draft.names = () => Promise.reject(failure)
    const { source } = disk.directories
    const tx = new TreeTransaction({ drafts, source, store: disk.blocks, options: {} })
    await assert.rejects(tx.removeRepository(app), failure)
    assert.deepEqual(tx.changes, [])
    await assert.rejects(
      disk.lane.transact(async (edit) => {
        await edit.removeRepository(app)
        throw failure
      }),
      (error) => !isRegistryError(error),
    )
    assert.equal(disk.lane.root.toString(), before.toString())
  })
})
