import assert from 'node:assert/strict'
import { join } from 'node:path'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { publishForeign, stockFiles } from '../support/foreign-tree.ts'
import { offlineCheck } from '../support/offline-check.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { FsckReport } from '../../src/daemon/fsck-report.ts'
import type { ForeignFile } from '../support/foreign-tree.ts'

const image = randomImage({ layers: [600_000, 20] })
const [layer = assert.fail()] = image.blobs.filter(({ size }) => size === 600_000)
const TOP = 'docker/registry/v2'
const APP = `${TOP}/repositories/team/app`
const dataOf = (digest: string): string =>
  `${TOP}/blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}/data`

/** Checks the tree that some files make, in HAMTs of 16 slots and chunks of 256 KiB, as a stock registry's would be. */
async function checked(change: (files: ForeignFile[]) => ForeignFile[]): Promise<FsckReport> {
  await using directory = await temporaryDirectory()
  const data = join(directory.path, 'data')
  await publishForeign(data, change(stockFiles('team/app', image)))
  return await offlineCheck(data)
}

/** The same files, with one of them other than it was. */
function other(path: string, content: Uint8Array | string) {
  return (files: ForeignFile[]): ForeignFile[] => {
    const before = files.find((file) => file.path === path) ?? assert.fail(`no ${path}`)
    return [...files.filter((file) => file !== before), { path, content: Buffer.from(content) }]
  }
}

function without(path: string) {
  return (files: ForeignFile[]): ForeignFile[] => {
    const rest = files.filter((file) => file.path !== path)
    assert.ok(rest.length < files.length, `no ${path}`)
    return rest
  }
}

/** What is said of the findings: kind, place, and a part of the message. */
function assertFound(
  { findings, damaged }: FsckReport,
  wanted: readonly (readonly [kind: string, path: string, message: RegExp])[],
): void {
  assert.deepEqual(
    findings.map(({ kind, path }) => `${kind} ${path}`).toSorted((a, b) => (a < b ? -1 : 1)),
    wanted.map(([kind, path]) => `${kind} ${path}`).toSorted((a, b) => (a < b ? -1 : 1)),
    JSON.stringify(findings),
  )
  for (const [, path, message] of wanted)
    assert.match(findings.find((finding) => finding.path === path)?.message ?? '', message)
  assert.equal(damaged, wanted.length)
}

describe('a check of trees whose blocks are all whole', () => {
  it('takes a stock registry’s tree as it is, uploads and HAMTs of 16 included', async () => {
    const { findings, checked: counts } = await checked((files) => files)
    assert.deepEqual(findings, [])
    assert.deepEqual([counts.contents, counts.manifests, counts.commits], [4, 1, 1])
  })

  it('finds bytes that are not what their digest says', async () => {
    const path = dataOf(layer.digest)
    const report = await checked(other(path, 'something else'))
    assertFound(report, [['content', path, /it hashes to sha256:/]])
    const concerns = report.findings[0]?.concerns ?? []
    assert.equal(concerns.length, 20, 'of the sixty tags')
    assert.ok(concerns.some(({ repository, tag }) => repository === 'team/app' && tag !== null))
  })

  it('finds links without bytes', async () => {
    const report = await checked(without(dataOf(layer.digest)))
    const link = `${APP}/_layers/sha256/${hexOf(layer.digest)}/link`
    assertFound(report, [['link', link, /are not in the tree/]])
  })

  it('finds links that say something else than they are called, or no digest', async () => {
    const link = `${APP}/_layers/sha256/${hexOf(layer.digest)}/link`
    assertFound(await checked(other(link, image.digest)), [['link', link, /and not sha256:/]])
    assertFound(await checked(other(link, 'sha256:')), [['link', link, /no digest/]])
    assertFound(await checked(other(link, Buffer.alloc(1000))), [['link', link, /no digest/]])
  })

  it('finds a tag whose manifest is not in the repository', async () => {
    const tag = `${APP}/_manifests/tags/v7/current/link`
    const report = await checked(other(tag, digestOf(Buffer.from('no manifest'))))
    assertFound(report, [['link', tag, /that the tag points to is not in the repository/]])
    assert.deepEqual(report.findings[0]?.concerns, [
      { repository: 'team/app', tag: 'v7', digest: null },
    ])
  })

  it('finds a manifest that is none', async () => {
    const bytes = Buffer.from('{"schemaVersion":2}')
    const digest = digestOf(bytes)
    const report = await checked((files) => [
      ...files,
      { path: dataOf(digest), content: bytes },
      {
        path: `${APP}/_manifests/revisions/sha256/${hexOf(digest)}/link`,
        content: Buffer.from(digest),
      },
    ])
    assertFound(report, [['manifest', dataOf(digest), /no mediaType/]])
  })

  it('finds files where directories should be, and directories without what they are for', async () => {
    const shelf = `${TOP}/blobs/sha256/${layer.digest.slice(7, 9)}/${hexOf(layer.digest)}`
    const report = await checked((files) => [
      ...files.filter(({ path }) => path !== `${shelf}/data`),
      { path: `${shelf}/notes`, content: Buffer.from('mine') },
      { path: `${TOP}/repositories/file`, content: Buffer.from('mine') },
    ])
    const link = `${APP}/_layers/sha256/${hexOf(layer.digest)}/link`
    assertFound(report, [
      ['directory', `${TOP}/repositories/file`, /where a directory should be/],
      ['directory', shelf, /no data in it/],
      ['link', link, /are not in the tree/],
    ])
  })
})
