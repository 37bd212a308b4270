import assert from 'node:assert/strict'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { OpenFiles } from '../../src/blocks/open-files.ts'

const cid = (text: string) => cidFromHash(RAW, sha256(Buffer.from(text)))

describe('files that are being read', () => {
  it('are known until their last reader is done', () => {
    const files = new OpenFiles()
    const readers = [files.hold(cid('a')), files.hold(cid('a')), files.hold(cid('b'))]
    assert.deepEqual(files.list(), [cid('a'), cid('b')])
    readers[0]?.[Symbol.dispose]()
    readers[2]?.[Symbol.dispose]()
    assert.deepEqual(files.list(), [cid('a')])
    readers[1]?.[Symbol.dispose]()
    assert.deepEqual(files.list(), [])
  })

  it('are remembered with the time of their last use, so many of them', () => {
    let now = 1
    const files = new OpenFiles(2, () => now++)
    for (const text of ['a', 'b', 'a', 'c']) files.hold(cid(text))[Symbol.dispose]()
    const usedAt = (text: string): number | undefined => files.usedAt(cid(text).toString())
    assert.equal(usedAt('b'), undefined)
    assert.ok((usedAt('a') ?? 0) < (usedAt('c') ?? 0))
  })
})
