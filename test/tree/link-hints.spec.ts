import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { BlobSearch } from '../../src/tree/blob-search.ts'
import { DamagedJournalError, Journal } from '../../src/tree/journal.ts'
import { LinkHints } from '../../src/tree/link-hints.ts'
import { openDisk } from '../support/disk.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Change } from '../../src/tree/transaction.ts'

const link = (blob: string, name: string): Change => ({
  action: 'link',
  name: parseName(name),
  digest: digestOf(Buffer.from(blob)),
})

/** A history of commits, from the newest back, that counts how often it is read. */
function historyOf(commits: readonly Change[][], end?: Error) {
  const history = { reads: 0, commits: 0, failure: end }
  const read = async function* () {
    history.reads++
    for (const changes of commits) {
      history.commits++
      yield { changes }
    }
    if (history.failure !== undefined) throw history.failure
  }
  return Object.assign(history, { read })
}

const names = (hints: LinkHints, ...blobs: string[]) =>
  Promise.all(blobs.map((blob) => hints.get(digestOf(Buffer.from(blob)))))

describe('hints of where blobs are linked', () => {
  it('are of the last link, and of no other change', async () => {
    const hints = new LinkHints(historyOf([]).read)
    const { digest } = link('a', 'put')
    const name = parseName('put')
    hints.note([link('a', 'x'), { action: 'put', name, digest: digest! }, link('a', 'y')])
    hints.note([{ action: 'unlink', name, digest: digest! }, link('b', 'z')])
    assert.deepEqual(await names(hints, 'a', 'b', 'c'), ['y', 'z', undefined])
  })

  it('come from the history too, read once, in which the newest counts', async () => {
    const history = historyOf([
      [link('a', 'older'), link('a', 'newer')],
      [link('a', 'oldest'), link('b', 'x')],
    ])
    const hints = new LinkHints(history.read)
    hints.note([link('now', 'y')])
    assert.deepEqual(await names(hints, 'now'), ['y'])
    assert.equal(history.reads, 0, 'what is known needs no history')
    assert.deepEqual(await names(hints, 'a', 'b', 'now', 'c'), ['newer', 'x', 'y', undefined])
    assert.equal(history.reads, 1)
  })

  it('of now are kept before those of the history', async () => {
    const hints = new LinkHints(historyOf([[link('a', 'then')]]).read)
    hints.note([link('a', 'now')])
    await names(hints, 'b')
    assert.deepEqual(await names(hints, 'a'), ['now'])
  })

  it('are bounded: the oldest go, and no more history is read than can be kept', async () => {
    const history = historyOf(Array.from({ length: 50 }, (_, i) => [link(`old ${i}`, 'x')]))
    const hints = new LinkHints(history.read, 10)
    for (let i = 0; i < 4; i++) hints.note([link(`new ${i}`, 'y')])
    await names(hints, 'something else')
    assert.equal(history.commits, 10)
    assert.deepEqual(await names(hints, 'new 0', 'old 0', 'old 5', 'old 6'), [
      'y',
      'x',
      'x',
      undefined,
    ])
    for (let i = 4; i < 14; i++) hints.note([link(`new ${i}`, 'y')])
    assert.deepEqual(await names(hints, 'new 3', 'new 4', 'old 0'), [undefined, 'y', undefined])
  })

  it('that were wrong can be forgotten', async () => {
    const hints = new LinkHints(historyOf([[link('a', 'x')]]).read)
    assert.deepEqual(await names(hints, 'a'), ['x'])
    hints.forget(link('a', 'x').digest!)
    assert.deepEqual(await names(hints, 'a'), [undefined])
  })

  it('end at a damaged entry of the history', async () => {
    const hints = new LinkHints(historyOf([[link('a', 'x')]], new DamagedJournalError('x')).read)
    assert.deepEqual(await names(hints, 'a'), ['x'])
  })

  it('are read again when the history could not be read', async () => {
    const history = historyOf([[link('a', 'x')]], new Error('EIO'))
    const hints = new LinkHints(history.read)
    await assert.rejects(names(hints, 'a'), /EIO/)
    history.failure = undefined
    assert.deepEqual(await names(hints, 'a'), ['x'])
  })

  it('outlive the process in the journal', async () => {
    await using directory = await temporaryDirectory()
    const bytes = Buffer.from('a blob')
    const [name, near] = [parseName('team/app'), parseName('near')]
    {
      await using disk = await openDisk(directory.path)
      const stored = await disk.contents.write(bytes, digestOf(bytes))
      await disk.lane.transact((tx) => tx.linkBlob(name, stored))
    }
    await using disk = await openDisk(directory.path)
    const hints = new LinkHints(() => new Journal(disk.state).entries())
    const search = new BlobSearch(disk.directories, hints, 0)
    assert.equal(await search.find(disk.lane.root, digestOf(bytes), near), name)
  })
})
