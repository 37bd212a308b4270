import assert from 'node:assert/strict'
import { Heap } from '../../src/daemon/heap.ts'

/** Longer than any test takes: here it is asked to look. */
const NEVER = 2 ** 30
const MiB = 2 ** 20

const WORKING = ['--no-optimize-for-size', '--heap-growing-percent=0']
const GROWING = ['--no-optimize-for-size', '--heap-growing-percent=200']
const IDLE = ['--optimize-for-size', '--heap-growing-percent=0']

describe('the heap of a daemon', () => {
  /** Of each period: the share that was work, and the MiB of blocks that went by. */
  function heapThat(...periods: Array<readonly [work: number, mebibytes?: number]>) {
    const flags: string[] = []
    let [at, moved] = [0, 0]
    const worked = () => periods[at++]?.[0] ?? 0
    const heap = new Heap(
      () => (moved += (periods[at]?.[1] ?? 0) * MiB),
      { worked, setFlag: (flag) => void flags.push(flag) },
      NEVER,
    )
    return { heap, flags }
  }

  /** Looks as often as periods are in so many seconds. */
  const look = (heap: Heap, seconds: number) => {
    for (let looks = 0; looks < seconds * 4; looks++) heap.look()
  }

  it('is made small once nothing happens for five seconds, and only once', () => {
    const { heap, flags } = heapThat([0], [0.9], [0.02], [0], [0.05])
    look(heap, 5)
    assert.deepEqual(flags, [])
    look(heap, 5)
    assert.deepEqual(flags, IDLE)
    heap[Symbol.dispose]()
  })

  it('is left to V8 as soon as there is work', () => {
    const { heap, flags } = heapThat(...Array.from({ length: 20 }, () => [0] as const), [0.5])
    look(heap, 5)
    heap.look()
    assert.deepEqual(flags, [...IDLE, ...WORKING])
    heap[Symbol.dispose]()
    assert.equal(flags.length, 4)
  })

  it('may grow while blocks go by, and five seconds longer', () => {
    const work = Array.from({ length: 100 }, () => [1] as const)
    const { heap, flags } = heapThat([1, 1], [0.3, 100], [0.3, 100], ...work)
    heap.look()
    assert.deepEqual(flags, [])
    look(heap, 5)
    assert.deepEqual(flags, GROWING)
    look(heap, 0.5)
    assert.deepEqual(flags, [...GROWING, ...WORKING])
    heap[Symbol.dispose]()
  })

  it('is left to V8 when the daemon stops', () => {
    const { heap, flags } = heapThat([1, 100])
    heap.look()
    heap[Symbol.dispose]()
    assert.deepEqual(flags, [...GROWING, ...WORKING])
  })
})
