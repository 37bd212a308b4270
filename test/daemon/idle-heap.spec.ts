import assert from 'node:assert/strict'
import { IdleHeap } from '../../src/daemon/idle-heap.ts'

/** Longer than any test takes: here it is asked to look. */
const NEVER = 2 ** 30

describe('the heap of an idle daemon', () => {
  const heapThat = (...shares: number[]) => {
    const flags: string[] = []
    const worked = () => shares.shift() ?? 0
    const setFlag = (flag: string) => void flags.push(flag)
    return { heap: new IdleHeap({ worked, setFlag }, NEVER), flags }
  }

  it('is made small once nothing happens, and only once', () => {
    const { heap, flags } = heapThat(0.9, 0.02, 0, 0.05)
    heap.look()
    assert.deepEqual(flags, [])
    for (let looks = 0; looks < 3; looks++) heap.look()
    assert.deepEqual(flags, ['--optimize-for-size'])
    heap[Symbol.dispose]()
  })

  it('may grow again as soon as there is work', () => {
    const { heap, flags } = heapThat(0, 0.5)
    heap.look()
    heap.look()
    assert.deepEqual(flags, ['--optimize-for-size', '--no-optimize-for-size'])
    heap[Symbol.dispose]()
    assert.equal(flags.length, 2)
  })

  it('is left to V8 when the daemon stops', () => {
    const { heap, flags } = heapThat(0)
    heap.look()
    heap[Symbol.dispose]()
    assert.deepEqual(flags, ['--optimize-for-size', '--no-optimize-for-size'])
  })
})
