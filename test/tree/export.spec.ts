import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import * as dagPb from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { DAG_PB, RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { exportTrees } from '../../src/tree/export.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { openDisk } from '../support/disk.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { CID } from 'multiformats/cid'
import type { ExportedTree } from '../../src/tree/export.ts'
import type { Disk } from '../support/disk.ts'

const app = parseName('team/app')

async function push(disk: Disk, text: string, tag: string): Promise<string> {
  const bytes = Buffer.from(text)
  const content = await disk.contents.write(bytes, digestOf(bytes))
  await disk.lane.transact(async (tx) => {
    await tx.putManifest(app, content)
    await tx.setTag(app, parseTag(tag), content.digest)
  })
  return content.digest
}

function treeOf(disk: Disk, name = 'own'): ExportedTree {
  return { name, root: disk.lane.root, directories: disk.directories }
}

async function link(directory: string, ...path: string[]): Promise<string> {
  return readFile(join(directory, 'docker/registry/v2/repositories', ...path, 'link'), 'utf8')
}

describe('exporting a tree', () => {
  it('writes exactly the layout of a stock registry (I4), and tells how far it is', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(join(dir.path, 'data'))
    const digest = await push(disk, 'a manifest', 'v1')
    const target = join(dir.path, 'out')
    const steps = await Array.fromAsync(
      exportTrees([treeOf(disk)], target),
      ({ files, bytes }) => ({ files, bytes }),
    )
    assert.deepEqual(steps.at(-1), { files: 4, bytes: 10 + 3 * digest.length })
    const hex = digest.slice(7)
    const data = join(target, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
    assert.equal(await readFile(data, 'utf8'), 'a manifest')
    const manifests = ['team', 'app', '_manifests']
    assert.equal(await link(target, ...manifests, 'tags', 'v1', 'current'), digest)
    assert.equal(await link(target, ...manifests, 'tags', 'v1', 'index', 'sha256', hex), digest)
    assert.equal(await link(target, ...manifests, 'revisions', 'sha256', hex), digest)
  })

  it('tells the bytes of a file while it is being written', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(join(dir.path, 'data'))
    await push(disk, 'm'.repeat(6 * 2 ** 20), 'v1')
    const progress = { files: 0, bytes: 0 }
    const seen: object[] = []
    const source = new LocalBlocks(disk.blocks)
    const get = source.get.bind(source)
    source.get = (...args) => {
      seen.push({ ...progress })
      return get(...args)
    }
    const directories = new DirectoryReader(source, new NodeCache())
    const tree = { ...treeOf(disk), directories }
    await Array.fromAsync(exportTrees([tree], join(dir.path, 'out'), { progress }))
    assert.ok(
      seen.some((step) => isDeepStrictEqual(step, { files: 0, bytes: 3 * 2 ** 20 })),
      JSON.stringify(seen),
    )
  })

  it('lets the first of several trees win where both have a tag, and merges the rest', async () => {
    await using dir = await temporaryDirectory()
    await using first = await openDisk(join(dir.path, 'a'))
    await using second = await openDisk(join(dir.path, 'b'))
    const own = await push(first, 'own', 'latest')
    await push(second, 'theirs', 'latest')
    const more = await push(second, 'more', 'v2')
    const target = join(dir.path, 'out')
    await Array.fromAsync(exportTrees([treeOf(first), treeOf(second, 'mirror')], target))
    const tags = ['team', 'app', '_manifests', 'tags']
    assert.equal(await link(target, ...tags, 'latest', 'current'), own)
    assert.equal(await link(target, ...tags, 'v2', 'current'), more)
  })

  it('refuses a directory that is not empty, and leaves it alone', async () => {
    await using dir = await temporaryDirectory()
    await using disk = await openDisk(join(dir.path, 'data'))
    const target = join(dir.path, 'out')
    await mkdir(target)
    await writeFile(join(target, 'precious'), 'x')
    await assert.rejects(Array.fromAsync(exportTrees([treeOf(disk)], target)), (error) =>
      isRegistryError(error, 'DENIED'),
    )
    assert.deepEqual(await readdir(target), ['precious'])
  })

  for (const place of ['/dev/null', '/dev/null/x', '/proc/x', 'a\0b', `/${'a'.repeat(300)}`, ''])
    it(`refuses a place where nothing can be made: ${JSON.stringify(place.slice(0, 20))}`, async () => {
      await using dir = await temporaryDirectory()
      await using disk = await openDisk(join(dir.path, 'data'))
      await assert.rejects(Array.fromAsync(exportTrees([treeOf(disk)], place)), (error) =>
        isRegistryError(error, 'DENIED'),
      )
    })
})

/** A tree of somebody who means us harm. */
class HostileTree {
  readonly #blocks = new MemoryBlocks()

  async file(bytes: Uint8Array): Promise<CID> {
    const cid = cidFromHash(RAW, sha256(bytes))
    await this.#blocks.put(cid, bytes)
    return cid
  }

  async directory(entries: Record<string, CID>): Promise<CID> {
    const links = Object.entries(entries).map(([Name, Hash]) => ({ Name, Hash, Tsize: 1 }))
    const data = new UnixFS({ type: 'directory' }).marshal()
    const bytes = dagPb.encode(dagPb.prepare({ Data: data, Links: links }))
    const cid = cidFromHash(DAG_PB, sha256(bytes))
    await this.#blocks.put(cid, bytes)
    return cid
  }

  /** Nests a directory under a path. */
  async nest(path: readonly string[], cid: CID): Promise<CID> {
    let at = cid
    for (const name of path.toReversed()) at = await this.directory({ [name]: at })
    return at
  }

  tree(root: CID): ExportedTree {
    const directories = new DirectoryReader(new LocalBlocks(this.#blocks), new NodeCache())
    return { name: 'evil', root, directories }
  }
}

describe('exporting a hostile tree', () => {
  for (const name of ['..', '.', '../../../../tmp/evil', 'a/b', '', 'a\0b', '.ssh', 'a\nb']) {
    it(`never writes under the name ${JSON.stringify(name)}`, async () => {
      await using dir = await temporaryDirectory()
      const hostile = new HostileTree()
      const root = await hostile.nest(['docker', name], await hostile.file(Buffer.from('evil')))
      const target = join(dir.path, 'out')
      await assert.rejects(
        Array.fromAsync(exportTrees([hostile.tree(root)], target)),
        /not a name of the registry layout/,
      )
      assert.deepEqual(await readdir(dir.path, { recursive: true }), ['out'])
    })
  }

  it('keeps no bytes that are not what their digest says', async () => {
    await using dir = await temporaryDirectory()
    const hostile = new HostileTree()
    const hex = hexOf(digestOf(Buffer.from('good')))
    const path = ['docker', 'registry', 'v2', 'blobs', 'sha256', hex.slice(0, 2), hex, 'data']
    const root = await hostile.nest(path, await hostile.file(Buffer.from('evil')))
    const target = join(dir.path, 'out')
    await assert.rejects(
      Array.fromAsync(exportTrees([hostile.tree(root)], target)),
      /of mirror evil cannot be exported: its bytes are/,
    )
    assert.deepEqual(await readdir(join(target, ...path.slice(0, -1))), [])
  })
})
