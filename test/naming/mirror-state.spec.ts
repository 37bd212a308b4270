import assert from 'node:assert/strict'
import { loadMirrorState, partOf, saveMirrorState } from '../../src/naming/mirror-state.ts'
import { MemoryMap, rootNumber } from './support.ts'

describe('what a mirror must not forget', () => {
  it('is its own, also when others follow the same name', async () => {
    const map = new MemoryMap()
    const parts = [map, partOf(map, 'a.example'), partOf(map, 'b.example')]
    for (const [index, part] of parts.entries()) {
      const current = { sequence: BigInt(index), root: await rootNumber(index) }
      await saveMirrorState(part, 'k51', { current })
    }
    for (const [index, part] of parts.entries()) {
      const { current } = await loadMirrorState(part, 'k51')
      assert.equal(current?.sequence, BigInt(index))
    }
    const [, part] = parts
    const keys: string[] = []
    for await (const [key] of part?.entries('k') ?? []) keys.push(key)
    assert.deepEqual(keys, ['k51'])
    await part?.delete('k51')
    assert.deepEqual([await part?.get('k51'), map.entriesByKey.size], [undefined, 2])
  })
})
