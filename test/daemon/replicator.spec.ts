import assert from 'node:assert/strict'
import type { CID } from 'multiformats/cid'
import { Replicator } from '../../src/daemon/replicator.ts'
import { loadReplica } from '../../src/daemon/replica-state.ts'
import { DAG_PB, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { ReplicationError } from '../../src/tree/replica-problems.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { eventually } from '../support/two-nodes.ts'
import type { Clock } from '../../src/naming/clock.ts'
import type { ReplicaProgress } from '../../src/tree/replicate.ts'

const rootOf = (text: string): CID => cidFromHash(DAG_PB, sha256(Buffer.from(text)))

/** Time that passes when it is told to; whoever sleeps until then wakes. */
class SlowClock implements Clock {
  time = 1_000_000
  readonly #sleepers = new Set<{ until: number; wake: () => void }>()

  now(): number {
    return this.time
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.time + milliseconds, wake: resolve }
      this.#sleepers.add(sleeper)
      signal.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        reject(signal.reason as Error)
      })
    })
  }

  pass(milliseconds: number): void {
    this.time += milliseconds
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.time) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}

/** One run of the work, which the test ends as it likes. */
interface Run {
  readonly root: CID
  readonly before: CID | undefined
  readonly progress: ReplicaProgress
  readonly signal: AbortSignal
  done(): void
  fail(error: Error): void
}

class Bench implements AsyncDisposable {
  readonly clock = new SlowClock()
  readonly runs: Run[] = []
  readonly logged: string[] = []
  readonly map: MemoryMap
  root: CID | undefined
  readonly replicator: Replicator

  constructor({ map = new MemoryMap(), text = '**', isAll = true } = {}) {
    this.map = map
    const log = (_: object, message: string): void => void this.logged.push(message)
    this.replicator = new Replicator({
      mirror: 'k51m',
      root: () => this.root,
      repositories: { text, isAll },
      replicate: ({ root, before }, progress, { signal }) =>
        this.#run(root, before, progress, signal),
      keyOf: () => Promise.resolve('k51m'),
      state: this.map,
      log: { debug: log, info: log, warn: log },
      clock: this.clock,
    })
  }

  #run(
    root: CID,
    before: CID | undefined,
    progress: ReplicaProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => reject(signal.reason as Error))
    this.runs.push({ root, before, progress, signal, done: resolve, fail: reject })
    return promise
  }

  moveTo(root: CID): void {
    this.root = root
    this.replicator.moved()
  }

  /** The run with that number, when it has begun. */
  async run(number: number): Promise<Run> {
    await eventually(() => this.runs.length >= number, `run ${number}`)
    return this.runs[number - 1]!
  }

  async until(state: string): Promise<void> {
    await eventually(() => this.replicator.status().state === state, state)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.replicator.stop()
  }
}

const [one, two, three] = ['one', 'two', 'three'].map(rootOf) as [CID, CID, CID]

describe('the replicator of a mirror', () => {
  it('does nothing while there is no root, then brings it, then only what is different', async () => {
    await using bench = new Bench()
    bench.replicator.start()
    assert.equal(bench.replicator.status().state, 'idle')
    bench.moveTo(one)
    const first = await bench.run(1)
    assert.deepEqual([first.root, first.before], [one, undefined])
    first.progress.blobsTotal = 5
    assert.deepEqual(
      [bench.replicator.status().state, bench.replicator.status().blobsTotal],
      ['running', 5],
    )
    first.done()
    await bench.until('complete')
    const { completeRoot, completedAt, root } = bench.replicator.status()
    assert.deepEqual([completeRoot, root, completedAt], [one.toString(), one.toString(), 1_000_000])
    bench.moveTo(two)
    assert.deepEqual((await bench.run(2)).before, one)
    assert.equal(bench.replicator.status().completeRoot, one.toString())
    assert.deepEqual(bench.logged, [
      'replication started',
      'replication complete',
      'replication started',
    ])
  })

  it('remembers what is complete over a restart, and does not look again', async () => {
    const map = new MemoryMap()
    {
      await using bench = new Bench({ map })
      bench.root = one
      bench.replicator.start()
      ;(await bench.run(1)).progress.blobsDone = 7
      ;(await bench.run(1)).done()
      await bench.until('complete')
    }
    await using bench = new Bench({ map })
    bench.root = one
    bench.replicator.start()
    await bench.until('complete')
    assert.equal(bench.runs.length, 0)
    assert.equal(bench.replicator.status().blobsDone, 7)
  })

  it('looks at everything again when other repositories are wanted', async () => {
    const map = new MemoryMap()
    for (const [text, isAll, before] of [
      ['a b', false, undefined],
      ['a', false, undefined],
      ['**', true, undefined],
      ['a', false, 'no run'],
    ] as const) {
      await using bench = new Bench({ map, text, isAll })
      bench.root = one
      bench.replicator.start()
      if (before === 'no run') {
        await bench.until('complete')
        assert.equal(bench.runs.length, 0)
        continue
      }
      const run = await bench.run(1)
      assert.equal(run.before, undefined)
      run.done()
      await bench.until('complete')
    }
  })

  it('tries again after a failure, with longer pauses, and says why', async () => {
    await using bench = new Bench()
    bench.root = one
    bench.replicator.start()
    for (const [number, pause] of [2000, 4000, 8000].entries()) {
      const run = await bench.run(number + 1)
      run.fail(new ReplicationError('3 parts cannot be had now', false))
      await bench.until('error')
      assert.equal(bench.replicator.status().error, '3 parts cannot be had now')
      await new Promise((resolve) => void setImmediate(resolve))
      bench.clock.pass(pause - 1)
      await new Promise((resolve) => void setImmediate(resolve))
      assert.equal(bench.runs.length, number + 1)
      bench.clock.pass(1)
    }
    ;(await bench.run(4)).done()
    await bench.until('complete')
    assert.equal(bench.replicator.status().error, undefined)
  })

  it('does not try again what can never be complete, until there is another root', async () => {
    await using bench = new Bench()
    bench.root = one
    bench.replicator.start()
    ;(await bench.run(1)).fail(new ReplicationError('1 parts are not taken', true))
    await bench.until('error')
    await new Promise((resolve) => void setImmediate(resolve))
    bench.clock.pass(24 * 3_600_000)
    bench.replicator.moved()
    await new Promise((resolve) => void setImmediate(resolve))
    assert.equal(bench.runs.length, 1)
    assert.equal(bench.replicator.status().state, 'error')
    bench.moveTo(two)
    ;(await bench.run(2)).done()
    await bench.until('complete')
  })

  it('lets a run that is overtaken end in time, and then goes on with the newest', async () => {
    await using bench = new Bench()
    bench.root = one
    bench.replicator.start()
    const first = await bench.run(1)
    bench.moveTo(two)
    bench.moveTo(three)
    bench.clock.pass(9_000)
    assert.equal(first.signal.aborted, false)
    first.done()
    const second = await bench.run(2)
    assert.deepEqual([second.root, second.before], [three, one])
  })

  it('gives up a run that is overtaken and takes long, without calling it a failure', async () => {
    await using bench = new Bench()
    bench.root = one
    bench.replicator.start()
    await bench.run(1)
    bench.moveTo(two)
    bench.clock.pass(10_000)
    const second = await bench.run(2)
    assert.deepEqual([second.root, second.before], [two, undefined])
    assert.equal(bench.replicator.status().error, undefined)
    assert.ok(!bench.logged.some((line) => line.includes('next try')))
    // The next one gets twice the time, so a source that publishes all the time does not keep it from ever arriving.
    bench.moveTo(three)
    bench.clock.pass(19_999)
    await new Promise((resolve) => void setImmediate(resolve))
    assert.equal(second.signal.aborted, false)
    bench.clock.pass(1)
    assert.deepEqual((await bench.run(3)).root, three)
  })

  it('ends with the node, in the middle of a run', async () => {
    const bench = new Bench()
    bench.root = one
    bench.replicator.start()
    const run = await bench.run(1)
    await bench.replicator.stop()
    assert.equal(run.signal.aborted, true)
    assert.equal(await loadReplica(bench.map, 'k51m'), undefined)
  })

  it('takes what it cannot read of its own state for nothing', async () => {
    const map = new MemoryMap()
    await map.put('k51m', Buffer.from('{"root":"nonsense"}'))
    await using bench = new Bench({ map })
    bench.root = one
    bench.replicator.start()
    assert.equal((await bench.run(1)).before, undefined)
  })
})
