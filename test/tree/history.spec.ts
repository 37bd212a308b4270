import assert from 'node:assert/strict'
import { join } from 'node:path'
import { digestOf } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { PUBLISH_ALL } from '../../src/oci/publish-rules.ts'
import { History } from '../../src/tree/history.ts'
import { Journal } from '../../src/tree/journal.ts'
import { UsedRoots } from '../../src/tree/used-roots.ts'
import { openDisk } from '../support/disk.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Disk } from '../support/disk.ts'

const app = parseName('team/app')
const v1 = parseTag('v1')

async function push(disk: Disk, text: string, name = app, tag = v1): Promise<Digest> {
  const bytes = Buffer.from(text)
  const content = await disk.contents.write(bytes, digestOf(bytes))
  await disk.lane.transact(async (tx) => {
    await tx.linkBlob(name, content)
    await tx.putManifest(name, content)
    await tx.setTag(name, tag, content.digest)
  })
  return content.digest
}

const historyOf = (disk: Disk): History =>
  new History(new Journal(disk.state), {
    directories: disk.directories,
    used: new UsedRoots({ lease: 1000 }),
    rules: PUBLISH_ALL,
  })

async function differences(disk: Disk, from: string, to: string): Promise<string[]> {
  const found = await Array.fromAsync(historyOf(disk).diff(from, to))
  return found.map((difference) => {
    const which = difference.kind === 'tag' ? difference.tag : difference.digest
    const moved = [difference.from, difference.to].filter(Boolean).join('>')
    return [difference.change, difference.kind, difference.name, which, moved].join(' ').trim()
  })
}

describe('the history of a tree', () => {
  it('lists commits from the newest on, in pages, also after a restart', async () => {
    await using dir = await temporaryDirectory()
    const path = join(dir.path, 'data')
    const digests: Digest[] = []
    {
      await using disk = await openDisk(path)
      for (const text of ['one', 'two', 'three']) digests.push(await push(disk, text))
    }
    await using disk = await openDisk(path)
    const history = historyOf(disk)
    const first = await Array.fromAsync(history.commits({ limit: 2 }))
    assert.deepEqual(
      first.map(({ sequence }) => sequence),
      [3, 2],
    )
    assert.deepEqual(first[0]?.changes.at(-1), {
      action: 'tag',
      name: app,
      tag: v1,
      digest: digests[2],
    })
    const second = await Array.fromAsync(history.commits({ limit: 2, before: 2 }))
    assert.deepEqual(
      second.map(({ sequence }) => sequence),
      [1],
    )
  })

  it('tells what is different in two roots, by CID or by number', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(join(dir.path, 'data'))
    const one = await push(disk, 'one')
    const two = await push(disk, 'two')
    const other = await push(disk, 'other', parseName('team/app/inner'), parseTag('index'))
    await disk.lane.transact((tx) => tx.removeManifest(app, one))
    const [first, last] = [disk.roots[0], disk.roots[3]].map(String)
    assert.deepEqual(await differences(disk, '1', '2'), [
      `added blob team/app ${two}`,
      `added manifest team/app ${two}`,
      `changed tag team/app v1 ${one}>${two}`,
    ])
    assert.deepEqual(await differences(disk, '3', '4'), [`removed manifest team/app ${one}`])
    const all = await differences(disk, first!, last!)
    assert.ok(all.includes(`added tag team/app/inner index ${other}`), all.join('\n'))
    assert.deepEqual(await differences(disk, last!, last!), [])
  })

  it('reads the registry as it was, and only under roots that it had', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(join(dir.path, 'data'))
    const one = await push(disk, 'one')
    await push(disk, 'two')
    const history = historyOf(disk)
    const before = await history.snapshot(String(disk.roots[0]))
    assert.equal(await before?.resolveTag(app, v1), one)
    for (const text of ['0', '99', 'bafynonsense', String(disk.roots[0]).replace(/.$/, '!'), ''])
      await assert.rejects(history.roots(text), (error) => isRegistryError(error, 'DENIED'), text)
    const stranger = 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354'
    assert.equal(await history.snapshot(stranger), undefined)
  })
})
