import assert from 'node:assert/strict'
import { Heap } from '../../src/daemon/heap.ts'

/** Longer than any test takes: here it is asked to look. */
const NEVER = 2 ** 30
const MiB = 2 ** 20

const WORKING = ['--no-optimize-for-size', '--heap-growing-percent=0']
const GROWING = ['--no-optimize-for-size', '--heap-growing-percent=200']
const IDLE = ['--optimize-for-size', '--heap-growing-percent=0']

describe('the heap of a daemon', () => {
  /**
   * Of each period: the share that was work, the MiB of blocks that went by, and those of the process; nothing after the
   * last.
   */
  function heapThat(
    ...periods: Array<readonly [work: number, mebibytes?: number, memory?: number]>
  ) {
    const said: string[] = []
    let [at, moved] = [0, 0]
    const heap = new Heap(
      () => (moved += (periods[at]?.[1] ?? 0) * MiB),
      {
        worked: () => periods[at++]?.[0] ?? 0,
        memory: () => (periods[at - 1]?.[2] ?? 0) * MiB,
        setFlag: (flag) => void said.push(flag),
        trim: () => void said.push('trim'),
      },
      NEVER,
    )
    return { heap, said }
  }

  /** Looks as often as periods are in so many seconds. */
  const look = (heap: Heap, seconds: number) => {
    for (let looks = 0; looks < seconds * 4; looks++) heap.look()
  }

  const busy = (seconds: number) => Array.from({ length: seconds * 4 }, () => [1] as const)

  it('is made small some seconds after the last work, whatever small things happen, and then given back', () => {
    const { heap, said } = heapThat(...busy(5), [0], [0], [0.3], [0], [0.8], [0])
    look(heap, 5 + 10)
    assert.deepEqual(said, [])
    look(heap, 5)
    assert.deepEqual(said, IDLE)
    look(heap, 20)
    assert.deepEqual(said, [...IDLE, 'trim'])
    look(heap, 10 * 60)
    assert.deepEqual(said, [...IDLE, 'trim', 'trim', 'trim'])
    heap[Symbol.dispose]()
  })

  it('is left to V8 as soon as there is work again', () => {
    const { heap, said } = heapThat(...Array.from({ length: 80 }, () => [0] as const), ...busy(1))
    look(heap, 20)
    look(heap, 1)
    assert.deepEqual(said, [...IDLE, ...WORKING])
    heap[Symbol.dispose]()
    assert.equal(said.length, 4)
  })

  it('may grow while blocks go by, and five seconds longer', () => {
    const { heap, said } = heapThat([1, 1], [0.3, 100], [0.3, 100], ...busy(25))
    heap.look()
    assert.deepEqual(said, [])
    look(heap, 5)
    assert.deepEqual(said, GROWING)
    look(heap, 0.5)
    assert.deepEqual(said, [...GROWING, ...WORKING])
    heap[Symbol.dispose]()
  })

  it('may not grow any more when the process has much, and again when it has less', () => {
    const { heap, said } = heapThat([1, 100, 100], [1, 100, 200], [1, 100, 200], [1, 100, 150])
    heap.look()
    assert.deepEqual(said, GROWING)
    heap.look()
    heap.look()
    assert.deepEqual(said, [...GROWING, ...WORKING])
    heap.look()
    assert.deepEqual(said, [...GROWING, ...WORKING, ...GROWING])
    heap[Symbol.dispose]()
  })

  it('is left to V8 when the daemon stops', () => {
    const { heap, said } = heapThat([1, 100])
    heap.look()
    heap[Symbol.dispose]()
    assert.deepEqual(said, [...GROWING, ...WORKING])
  })
})
