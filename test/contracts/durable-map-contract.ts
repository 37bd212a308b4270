import assert from 'node:assert/strict'
import type { DurableMap } from '../../src/registry/ports.ts'

/** A map, a neighbour of it in the same store, and a second life of the process. */
export interface DurableMapFixture {
  map: DurableMap
  /** A map of another user; absent when there is only one. */
  neighbour?: DurableMap
  /** Ends this life and gives the same map in the next one; absent when it has only one life. */
  restart?(): Promise<DurableMap>
  close?(): Promise<void>
}

/** What every DurableMap promises. Registers a mocha suite. */
export function durableMapContract(what: string, make: () => Promise<DurableMapFixture>): void {
  describe(`${what} as a durable map`, () => {
    let fixture: DurableMapFixture
    const bytes = (text: string) => new TextEncoder().encode(text)
    const all = (map: DurableMap, prefix?: string) =>
      Array.fromAsync(map.entries(prefix), ([key, value]) => [key, new TextDecoder().decode(value)])

    beforeEach(async () => {
      fixture = await make()
    })
    afterEach(() => fixture.close?.())

    it('gives back what was put, and undefined for the rest', async () => {
      const { map } = fixture
      await map.put('key', bytes('value'))
      assert.deepEqual(Uint8Array.from((await map.get('key')) ?? []), bytes('value'))
      assert.equal(await map.get('ke'), undefined)
      assert.equal(await map.get('key2'), undefined)
    })

    it('tells an empty value from none', async () => {
      await fixture.map.put('empty', new Uint8Array())
      assert.equal((await fixture.map.get('empty'))?.length, 0)
    })

    it('puts many at once, over what was there, and none', async () => {
      const { map } = fixture
      await map.put('a', bytes('0'))
      await map.putAll(
        new Map([
          ['b', bytes('2')],
          ['a', bytes('1')],
        ]),
      )
      await map.putAll(new Map())
      assert.deepEqual(await all(map), [
        ['a', '1'],
        ['b', '2'],
      ])
    })

    it('overwrites and deletes, also what is not there', async () => {
      const { map } = fixture
      await map.put('key', bytes('1'))
      await map.put('key', bytes('2'))
      assert.deepEqual(await all(map), [['key', '2']])
      await map.delete('key')
      await map.delete('key')
      assert.equal(await map.get('key'), undefined)
      assert.deepEqual(await all(map), [])
    })

    it('lists entries in key order, all or those with a prefix', async () => {
      const { map } = fixture
      for (const key of ['b', 'a/2', 'a/10', 'a', 'ab', 'A']) await map.put(key, bytes(key))
      assert.deepEqual(
        (await all(map)).map(([key]) => key),
        ['A', 'a', 'a/10', 'a/2', 'ab', 'b'],
      )
      assert.deepEqual(await all(map, 'a/'), [
        ['a/10', 'a/10'],
        ['a/2', 'a/2'],
      ])
      assert.deepEqual(await all(map, 'x'), [])
    })

    it('takes any text as a key', async () => {
      const keys = ['team/app:tag:v1', 'sha256:abc bafy', '__proto__', 'é', '!', '~', '\u{1f980}']
      for (const key of keys) await fixture.map.put(key, bytes(key))
      for (const key of keys) assert.deepEqual(await all(fixture.map, key), [[key, key]])
    })

    it('keeps many puts made at once', async () => {
      const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
      await Promise.all(keys.map((key) => fixture.map.put(key, bytes(key))))
      assert.equal((await all(fixture.map, 'k')).length, 50)
    })

    it('shows nothing of it to its neighbours', async function () {
      const { map, neighbour } = fixture
      if (neighbour === undefined) {
        console.log('      skipped: this map has no neighbours')
        return this.skip()
      }
      await map.put('key', bytes('mine'))
      assert.equal(await neighbour.get('key'), undefined)
      assert.deepEqual(await all(neighbour), [])
    })

    it('outlives the process', async function () {
      const { map, restart } = fixture
      if (restart === undefined) {
        console.log('      skipped: this map has only one life')
        return this.skip()
      }
      await map.put('key', bytes('value'))
      await map.put('gone', bytes('x'))
      await map.delete('gone')
      assert.deepEqual(await all(await restart()), [['key', 'value']])
    })
  })
}
