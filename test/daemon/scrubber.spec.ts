import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { DiskBlockStore } from '../../src/blocks/disk-block-store.ts'
import { Healer } from '../../src/blocks/healer.ts'
import { StateDb } from '../../src/blocks/state-db.ts'
import { isDiskBusy } from '../../src/daemon/io-pressure.ts'
import { Scrubber } from '../../src/daemon/scrubber.ts'
import { MemoryMap } from '../support/memory-map.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Clock } from '../../src/naming/clock.ts'
import type { ScrubberParts } from '../../src/daemon/scrubber.ts'

const DAY = 86_400_000

/** Time that goes by only when somebody sleeps; at `stopAt` it stands still, until told to go on. */
class SleepClock implements Clock {
  time = 1_700_000_000_000
  stopAt = Infinity
  readonly sleeps: number[] = []
  #wake: PromiseWithResolvers<void> = Promise.withResolvers()
  #stands: PromiseWithResolvers<void> = Promise.withResolvers()

  now(): number {
    return this.time
  }

  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.sleeps.push(milliseconds)
    if (this.time + milliseconds >= this.stopAt) {
      this.#stands.resolve()
      const { promise, reject } = Promise.withResolvers<never>()
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      await Promise.race([this.#wake.promise, promise])
    }
    this.time += milliseconds
    await nextTurn()
  }

  /** Lets so much time go by, and waits until it has. */
  async pass(milliseconds: number): Promise<void> {
    this.stopAt = this.time + milliseconds
    this.#stands = Promise.withResolvers()
    const wake = this.#wake
    this.#wake = Promise.withResolvers()
    wake.resolve()
    await this.#stands.promise
  }
}

async function openWorld(blocks = 40) {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await temporaryDirectory())
  const state = await StateDb.open(join(path, 'state'))
  stack.defer(() => state.close())
  const store = await DiskBlockStore.open(join(path, 'blocks'), state)
  stack.defer(() => store.close())
  const all = Array.from({ length: blocks }, (_, n) => randomBytes(n % 2 === 0 ? 20_000 : 100))
  const cids = all.map((bytes) => cidFromHash(RAW, sha256(bytes)))
  for (const [n, bytes] of all.entries()) await store.put(cids[n] ?? assert.fail(), bytes)
  store.link(cids)
  await store.sync()
  const clock = new SleepClock()
  clock.stopAt = clock.time
  const healer = new Healer(store, () => clock.time)
  const map = new MemoryMap()
  const fileOf = (n: number): string => {
    const hash = Buffer.from(cids[n]?.multihash.digest ?? []).toString('hex')
    return join(path, 'blocks', hash.slice(0, 2), hash)
  }
  const scrub = (more: Partial<ScrubberParts> = {}): Scrubber =>
    new Scrubber({
      blocks: store,
      healer,
      map,
      interval: 30 * DAY,
      rate: 1_000_000,
      isPaused: () => false,
      isBusy: () => Promise.resolve(false),
      log: pino({ level: 'silent' }),
      clock,
      ...more,
    })
  const opened = stack.move()
  return {
    path,
    store,
    all,
    cids,
    clock,
    healer,
    fileOf,
    scrub,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

describe('the scrub', () => {
  it('reads every block once in each interval, spread over it', async () => {
    await using world = await openWorld()
    const { clock, all } = world
    await using scrubber = world.scrub()
    await scrubber.start()
    await clock.pass(15 * DAY)
    const half = scrubber.status()
    assert.ok(half.blocks > 5 && half.blocks < 35, `${half.blocks}`)
    assert.ok(half.part > 0.3 && half.part <= 0.52, `${half.part}`)
    await clock.pass(15 * DAY + 3_600_000)
    const { last, blocks } = scrubber.status()
    const bytes = all.reduce((sum, { length }) => sum + length, 0)
    assert.deepEqual([last?.blocks, last?.bytes, last?.damaged], [40, bytes, 0])
    assert.ok(blocks < 5, 'the next round is spread as well')
  })

  it('heals what somebody has, sets aside and counts what nobody has', async () => {
    await using world = await openWorld()
    const { clock, healer, all, cids, fileOf, path } = world
    healer.connect({
      fetch: (cid) => {
        const n = cids.findIndex((other) => other.equals(cid))
        return n === 2
          ? Promise.resolve(all[2] ?? assert.fail())
          : Promise.reject(new Error('nobody'))
      },
      onHealed: () => undefined,
      onLost: () => undefined,
    })
    for (const n of [2, 4]) await writeFile(fileOf(n), 'rot')
    await rm(fileOf(6)) // what is missing is not to be seen here: heliport fsck finds it
    await using scrubber = world.scrub()
    await scrubber.start()
    await clock.pass(31 * DAY)
    const { last } = scrubber.status()
    assert.deepEqual([last?.blocks, last?.damaged, last?.healed], [39, 1, 1])
    assert.equal((await readdir(join(path, 'blocks', 'damaged'))).length, 2)
    assert.equal(healer.lost, 1)
  })

  it('asks nobody for what peers may not have', async () => {
    await using world = await openWorld(0)
    const { clock, healer, store } = world
    const bytes = randomBytes(20_000)
    const cid = cidFromHash(RAW, sha256(bytes))
    await store.put(cid, bytes)
    await store.sync()
    const asked: string[] = []
    healer.connect({
      fetch: (wanted) => {
        asked.push(wanted.toString())
        return Promise.resolve(bytes)
      },
      onHealed: () => undefined,
      onLost: () => undefined,
    })
    const hash = Buffer.from(cid.multihash.digest).toString('hex')
    await writeFile(join(world.path, 'blocks', hash.slice(0, 2), hash), 'rot')
    await using scrubber = world.scrub()
    await scrubber.start()
    await clock.pass(31 * DAY)
    assert.deepEqual(asked, [])
    assert.deepEqual([scrubber.status().last?.damaged, scrubber.status().last?.healed], [1, 0])
  })

  it('goes on after a restart where it was, at its rate when it is behind', async () => {
    await using world = await openWorld()
    const { clock } = world
    {
      await using scrubber = world.scrub()
      await scrubber.start()
      await clock.pass(15 * DAY)
    }
    clock.time += 100 * DAY
    await using scrubber = world.scrub()
    await scrubber.start()
    const before = scrubber.status()
    assert.ok(before.blocks > 5, `${before.blocks}`)
    clock.sleeps.length = 0
    await clock.pass(10 * 60_000)
    const { last } = scrubber.status()
    assert.equal(last?.blocks, 40, 'no block is looked at twice, and none is passed over')
    const large = clock.sleeps.filter((sleep) => sleep >= 19 && sleep < 60_000)
    assert.ok(large.length > 0, '20,000 bytes are 20 ms of a megabyte a second')
  })

  it('waits for others who need the disk, but not for ever', async () => {
    await using world = await openWorld()
    const { clock } = world
    let isPaused = true
    await using scrubber = world.scrub({ isPaused: () => isPaused, interval: 1000 })
    await scrubber.start()
    await clock.pass(DAY)
    assert.equal(scrubber.status().blocks, 0)
    isPaused = false
    await clock.pass(60_000)
    assert.notEqual(scrubber.status().last, undefined)
    await using busy = world.scrub({ isBusy: () => Promise.resolve(true), map: new MemoryMap() })
    await busy.start()
    await clock.pass(31 * DAY)
    assert.equal(busy.status().last?.blocks, 40)
  })

  it('stops at once, and is off when it is not wanted', async () => {
    await using world = await openWorld()
    const { clock } = world
    const scrubber = world.scrub()
    await scrubber.start()
    await clock.pass(DAY)
    await scrubber[Symbol.asyncDispose]()
    const off = world.scrub({ interval: null, map: new MemoryMap() })
    await off.start()
    assert.deepEqual([off.status().state, off.status().startedAt], ['off', undefined])
    await off[Symbol.asyncDispose]()
  })
})

describe('whether the disk is busy', () => {
  const pressure = (avg10: string) =>
    `some avg10=${avg10} avg60=0.00 avg300=0.00 total=1\nfull avg10=99.00\n`

  it('is what the system tells, and no when it does not', async () => {
    assert.equal(await isDiskBusy(() => Promise.resolve(pressure('0.00'))), false)
    assert.equal(await isDiskBusy(() => Promise.resolve(pressure('45.10'))), true)
    assert.equal(await isDiskBusy(() => Promise.reject(new Error('ENOENT'))), false)
    assert.equal(await isDiskBusy(() => Promise.resolve('what')), false)
  })
})
