import assert from 'node:assert/strict'
import { MemoryBlockstore } from 'blockstore-core'
import { importer } from 'ipfs-unixfs-importer'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { DirectoryEditor, flatSize } from '../../src/tree/directory-edit.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import type { Entry } from '../../src/blocks/nodes.ts'

/** A file of a few bytes that no other name has. */
function file(name: string): { bytes: Uint8Array; entry: Entry } {
  const bytes = Buffer.from(`content of ${name}`)
  return { bytes, entry: { cid: cidFromHash(RAW, sha256(bytes)), treeSize: bytes.length } }
}

function names(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => `release-${i.toString().padStart(6, '0')}-of-the-registry`,
  )
}

/** The CID that the reference importer gives a directory of these files, with the profile `unixfs-v1-2025`. */
async function reference(entries: readonly string[]): Promise<string> {
  const source = entries.map((name) => ({ path: `dir/${name}`, content: file(name).bytes }))
  const results = await Array.fromAsync(
    importer(source, new MemoryBlockstore(), { profile: 'unixfs-v1-2025' }),
  )
  const root = results.find((result) => result.path === 'dir')
  assert.ok(root)
  return root.cid.toString()
}

class Editing {
  readonly blocks = new MemoryBlocks()
  readonly reader = new DirectoryReader(new LocalBlocks(this.blocks), new NodeCache())
  readonly editor = new DirectoryEditor(this.reader, (node) =>
    this.blocks.put(node.cid, node.bytes),
  )
  root: Entry | undefined

  async add(entries: readonly string[]): Promise<void> {
    this.root = await this.editor.edit(
      this.root?.cid,
      new Map(entries.map((name) => [name, file(name).entry])),
    )
  }

  async remove(entries: readonly string[]): Promise<void> {
    this.root = await this.editor.edit(
      this.root?.cid,
      new Map(entries.map((name) => [name, undefined])),
    )
  }

  get cid(): string | undefined {
    return this.root?.cid.toString()
  }
}

describe('canonical directories', () => {
  for (const count of [1, 2, 100, 2700, 2900, 6000]) {
    it(`gives ${count} entries the CID that the reference importer gives`, async () => {
      const editing = new Editing()
      await editing.add(names(count))
      assert.equal(editing.cid, await reference(names(count)))
    })
  }

  it('goes to a HAMT just beyond 256 KiB of block, and back just below, whatever the order of edits', async () => {
    const all = names(4000)
    const one = flatSize([{ ...file(all[0]!).entry, name: all[0]! }]) - flatSize([])
    const count = Math.floor((256 * 1024 - flatSize([])) / one) // all names are of one length
    const editing = new Editing()
    await editing.add(all.slice(0, count))
    const flat = editing.cid
    assert.equal(flat, await reference(all.slice(0, count)))
    await editing.add(all.slice(count, count + 1))
    assert.equal(editing.cid, await reference(all.slice(0, count + 1)))
    assert.notEqual(editing.cid, flat)
    await editing.remove(all.slice(count, count + 1))
    assert.equal(editing.cid, flat)
  })

  it('has the same root after random edits as after one import of what is left', async () => {
    const editing = new Editing()
    const model = new Set<string>()
    const all = names(5000)
    let seed = 7
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below
    for (let round = 0; round < 12; round++) {
      const added = Array.from({ length: 700 }, () => all[random(all.length)] ?? '')
      const removed = Array.from({ length: 250 }, () => all[random(all.length)] ?? '')
      await editing.add(added)
      await editing.remove(removed)
      for (const name of added) model.add(name)
      for (const name of removed) model.delete(name)
    }
    assert.ok(model.size > 3000)
    assert.equal(editing.cid, await reference([...model]))
    const listed = await Array.fromAsync(editing.reader.list(editing.root!.cid))
    assert.deepEqual(listed.map((entry) => entry.name).sort(), [...model].sort())
    for (const name of [...model].slice(0, 50)) {
      assert.equal(
        String((await editing.reader.lookup(editing.root!.cid, name))?.cid),
        String(file(name).entry.cid),
      )
    }
    assert.equal(await editing.reader.lookup(editing.root!.cid, 'never-there'), undefined)
  })

  it('is gone when its last entry is removed', async () => {
    const editing = new Editing()
    await editing.add(names(3000))
    await editing.remove(names(3000))
    assert.equal(editing.root, undefined)
  })

  it('rewrites only the nodes on the way to a change', async () => {
    const editing = new Editing()
    await editing.add(names(6000))
    const before = editing.blocks.puts
    await editing.add(['one-more'])
    assert.ok(
      editing.blocks.puts - before <= 4,
      `${editing.blocks.puts - before} nodes for one change`,
    )
  })
})
