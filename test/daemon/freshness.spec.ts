import assert from 'node:assert/strict'
import { Freshness } from '../../src/daemon/freshness.ts'
import { MemoryMap } from '../support/memory-map.ts'

/** One life of a process that follows a mirror. */
function life(map: MemoryMap, maxStale: number | null = 1000) {
  const follower = {
    since: undefined as number | undefined,
    resolvedAt: undefined as number | undefined,
  }
  const clock = { now: 0 }
  const freshness = new Freshness(
    { text: 'k51m', maxStale },
    {
      staleSince: () => follower.since,
      status: () => ({
        name: 'k51m',
        root: undefined,
        sequence: undefined,
        state: 'current',
        error: undefined,
        resolvedAt: follower.resolvedAt,
      }),
    },
    map,
    () => clock.now,
  )
  return { follower, clock, freshness }
}

describe('how stale a mirror is', () => {
  it('is what its follower says, once somebody was heard', async () => {
    const { follower, clock, freshness } = life(new MemoryMap())
    await freshness.start()
    follower.resolvedAt = 5
    clock.now = 10_000
    assert.equal(freshness.staleSince(), undefined)
    follower.since = 7
    assert.equal(freshness.staleSince(), 7)
    await freshness.stop()
  })

  it('is not forgotten in a restart: what nobody confirmed for too long is stale from the beginning', async () => {
    const map = new MemoryMap()
    const first = life(map)
    await first.freshness.start()
    first.follower.resolvedAt = 5000
    await first.freshness.stop()

    const second = life(map)
    second.clock.now = 6000
    await second.freshness.start()
    assert.equal(second.freshness.staleSince(), undefined)
    second.clock.now = 6001
    assert.equal(second.freshness.staleSince(), 5000)
    second.follower.since = 6000 // its own start, which is news of nothing
    assert.equal(second.freshness.staleSince(), 5000)
    second.follower.resolvedAt = 6002
    second.follower.since = undefined
    assert.equal(second.freshness.staleSince(), undefined)
    await second.freshness.stop()
  })

  it('is not remembered where nothing depends on it', async () => {
    const map = new MemoryMap()
    const { follower, freshness } = life(map, null)
    await freshness.start()
    follower.resolvedAt = 5
    await freshness.stop()
    assert.equal(await map.get('k51m'), undefined)
  })
})
