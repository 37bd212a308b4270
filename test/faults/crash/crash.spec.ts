import assert from 'node:assert/strict'
import { SeededRandom } from '../random.ts'
import { FileContent } from './file-content.ts'
import { NameTable } from './name-table.ts'

const random = new SeededRandom(1)

describe('a disk whose power is cut', () => {
  it('has of a file what was synced, and only what was written before the sync began', () => {
    const file = new FileContent(Buffer.from('old'))
    file.change({ order: 1, at: 3, data: Buffer.from('er') })
    file.change({ order: 3, at: 5, data: Buffer.from('!') })
    file.synced(2)
    assert.equal(file.afterLoss('all', random).toString(), 'older')
    assert.deepEqual([...file.afterLoss('bytes', random)], [...Buffer.from('older\0')])
  })

  it('may have any part of what was not synced', () => {
    const file = new FileContent(Buffer.alloc(0))
    file.change({ order: 1, at: 0, data: Buffer.alloc(4096, 1) })
    const sizes = new Set(
      Array.from({ length: 200 }, () => file.afterLoss('some', random).filter(Boolean).length),
    )
    assert.ok(sizes.has(0) && sizes.has(4096) && sizes.size > 4, [...sizes].join())
  })

  it('knows a name only when its directory was synced', () => {
    const names = new NameTable()
    names.change({ kind: 'create', inode: 1n, path: 'blocks/.tmp', order: 1 })
    names.change({ kind: 'rename', path: 'blocks/.tmp', to: 'blocks/a', order: 2 })
    names.change({ kind: 'create', inode: 2n, path: 'blocks/b', order: 5 })
    names.synced(undefined, 1n, 3) // the file itself, which is not enough
    assert.deepEqual([...names.afterLoss('all', random)], [])
    names.synced('uploads', 9n, 3)
    assert.deepEqual([...names.afterLoss('all', random)], [])
    names.synced('blocks', 9n, 4)
    assert.deepEqual([...names.afterLoss('all', random)], [['blocks/a', 1n]])
  })

  it('knows a name in LevelDB’s directories when the file was synced, as the file systems do that it was written for', () => {
    const names = new NameTable()
    names.change({ kind: 'create', inode: 1n, path: 'state/1.log', order: 1 })
    names.synced(undefined, 1n, 2)
    assert.deepEqual([...names.afterLoss('all', random)], [['state/1.log', 1n]])
  })

  it('loses what is in a directory whose own name was not safe', () => {
    const names = new NameTable()
    names.change({ kind: 'mkdir', path: 'keys', order: 1 })
    assert.ok(!names.isSafeDirectory('keys'))
    names.synced('.', 9n, 2)
    assert.ok(names.isSafeDirectory('keys'))
  })
})
