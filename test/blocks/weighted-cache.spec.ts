import assert from 'node:assert/strict'
import { WeightedCache } from '../../src/blocks/weighted-cache.ts'

function cacheOf(keys: string): WeightedCache<string> {
  const cache = new WeightedCache<string>(40, 20)
  for (const key of keys) cache.set(key, key.toUpperCase(), 10)
  return cache
}

const kept = (cache: WeightedCache<string>, keys: string): string =>
  Array.from(keys)
    .filter((key) => cache.get(key) !== undefined)
    .join('')

describe('a cache by weight', () => {
  it('lets go of what was used longest ago when it is full', () => {
    const cache = cacheOf('abcd')
    cache.get('a')
    cache.set('e', 'E', 10)
    assert.equal(kept(cache, 'abcde'), 'acde')
    cache.set('f', 'F', 20)
    assert.equal(kept(cache, 'abcdef'), 'def', 'as many as it takes')
  })

  it('does not take what is too large', () => {
    const cache = cacheOf('abc')
    cache.set('z', 'Z', 21)
    assert.equal(kept(cache, 'abcz'), 'abc')
  })

  it('can be made smaller for now', () => {
    const cache = cacheOf('abcd')
    cache.get('a')
    cache.shrink(25)
    assert.equal(kept(cache, 'abcd'), 'ad')
    for (const key of 'ef') cache.set(key, key, 10)
    assert.equal(kept(cache, 'adef'), 'adef', 'it takes as much as before again')
    cache.shrink(0)
    assert.equal(kept(cache, 'adef'), '')
    cache.set('g', 'G', 10)
    assert.equal(kept(cache, 'g'), 'g')
  })
})
