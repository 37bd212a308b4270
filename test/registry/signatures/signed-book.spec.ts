import assert from 'node:assert/strict'
import { digestOf } from '../../../src/oci/digest.ts'
import { SignedBook } from '../../../src/registry/signatures/signed-book.ts'
import { MemoryMap } from '../../support/memory-map.ts'

const digest = (text: string) => digestOf(Buffer.from(text))
const [index, child, image] = ['index', 'child', 'image'].map(digest)
const KEYS = new Set(['k1', 'k2'])

describe('what was found signed', () => {
  it('is remembered over a restart, with what it names, for the keys that signed it', async () => {
    assert.ok(index && child && image)
    const map = new MemoryMap()
    await (await SignedBook.open(map, KEYS)).add('k1', index, [child])
    const book = await SignedBook.open(map, KEYS)
    assert.equal(book.standing('k1', index), 'signed')
    assert.equal(book.standing('k1', child), 'named')
    assert.equal(book.standing('k1', image), undefined)
    assert.equal(book.standing('k2', index), undefined)
    assert.equal(book.standing('k2', child), undefined)
  })

  it('is forgotten when the keys are not in use any more', async () => {
    assert.ok(index && child)
    const map = new MemoryMap()
    await (await SignedBook.open(map, KEYS)).add('k1', index, [child])
    await SignedBook.open(map, new Set(['k2']))
    assert.deepEqual(await Array.fromAsync(map.entries()), [])
    assert.equal((await SignedBook.open(map, KEYS)).standing('k1', child), undefined)
  })

  it('is bounded: the oldest goes, and what something younger names too stays', async () => {
    assert.ok(index && child && image)
    const map = new MemoryMap()
    const book = await SignedBook.open(map, KEYS, 5)
    await book.add('k1', index, [child, digest('a')])
    await book.add('k1', image, [child])
    assert.equal(book.standing('k1', digest('a')), 'named')
    await book.add('k1', digest('b'), [])
    assert.equal(book.standing('k1', index), undefined)
    assert.equal(book.standing('k1', digest('a')), undefined)
    assert.equal(book.standing('k1', child), 'named')
    assert.equal((await Array.fromAsync(map.entries())).length, 2)
  })
})
