import assert from 'node:assert/strict'
import { pino } from 'pino'
import { AgeClock } from '../../src/daemon/age-clock.ts'
import { DAY, HOUR } from '../../src/naming/clock.ts'
import { MemoryMap } from '../support/memory-map.ts'

const YEAR = 365 * DAY

/** A machine whose clock can be set, and a registry on it that starts and stops. */
class Machine {
  wall = 1_700_000_000_000
  readonly map = new MemoryMap()
  readonly told: string[] = []
  #steady = 0
  since: number | undefined

  /** Time passes, with a daemon or without. */
  pass(milliseconds: number): void {
    this.wall += milliseconds
    this.#steady += milliseconds
  }

  start(): Promise<AgeClock> {
    const log = pino({ base: null }, { write: (line: string) => void this.told.push(line) })
    const [wall, steady] = [() => this.wall, () => this.#steady]
    return AgeClock.open({ map: this.map, wall, steady, since: this.since, log })
  }

  /** Stops it, lets time pass, and starts it again. */
  async restart(clock: AgeClock, off = 0): Promise<AgeClock> {
    await clock[Symbol.asyncDispose]()
    this.wall += off
    return this.start()
  }
}

describe('the clock that ages go by', () => {
  it('is that on the wall, also after a night', async () => {
    const machine = new Machine()
    let clock = await machine.start()
    machine.pass(HOUR)
    assert.equal(clock.now(), machine.wall)
    clock = await machine.restart(clock, DAY)
    assert.equal(clock.now(), machine.wall)
    assert.equal(clock.doubt, undefined)
    assert.deepEqual(machine.told, [])
  })

  it('does not follow one that is a year ahead after a start, until the daemon has run for a day', async () => {
    const machine = new Machine()
    let clock = await machine.start()
    machine.pass(HOUR)
    const before = clock.now()
    clock = await machine.restart(clock, YEAR)
    assert.equal(clock.now(), before)
    assert.deepEqual(clock.doubt, { aheadBy: YEAR, countedIn: DAY })
    assert.match(machine.told.join(''), /365\.0 days ahead.*--trust-clock/)
    machine.pass(DAY - HOUR)
    assert.equal(clock.now(), before + DAY - HOUR)
    // A night in between is no reason to begin again.
    clock = await machine.restart(clock, 12 * HOUR)
    assert.deepEqual(clock.doubt, { aheadBy: YEAR + 12 * HOUR, countedIn: HOUR })
    machine.pass(HOUR - 1)
    assert.notEqual(clock.doubt, undefined)
    machine.pass(1)
    assert.equal(clock.now(), machine.wall)
    assert.equal(clock.doubt, undefined)
    clock = await machine.restart(clock)
    assert.equal(clock.now(), machine.wall)
    assert.equal(machine.told.filter((line) => line.includes('days ahead')).length, 2)
  })

  it('does not follow one that is set ahead while the daemon runs, nor believe it after the next start', async () => {
    const machine = new Machine()
    let clock = await machine.start()
    const before = clock.now()
    machine.wall += YEAR
    assert.equal(clock.now(), before)
    clock = await machine.restart(clock)
    assert.equal(clock.now(), before)
    assert.equal(clock.doubt?.aheadBy, YEAR)
  })

  it('begins a new day of doubt where the clock jumps again', async () => {
    const machine = new Machine()
    let clock = await machine.start()
    clock = await machine.restart(clock, YEAR)
    machine.pass(DAY - 1)
    assert.equal(clock.doubt?.countedIn, 1)
    machine.wall += YEAR
    assert.equal(clock.doubt?.countedIn, DAY)
    machine.pass(1)
    assert.equal(clock.doubt?.countedIn, DAY - 1)
  })

  it('believes a clock that is set right, and one that goes back', async () => {
    const machine = new Machine()
    let clock = await machine.start()
    clock = await machine.restart(clock, YEAR)
    machine.wall -= YEAR
    assert.equal(clock.doubt, undefined)
    assert.equal(clock.now(), machine.wall)
    machine.wall -= YEAR
    assert.equal(clock.now(), machine.wall)
    clock = await machine.restart(clock)
    machine.wall += YEAR
    assert.equal(clock.doubt?.aheadBy, YEAR, 'nobody knows which of the two was right')
  })

  it('follows when somebody says that the clock is right, and stays so', async () => {
    const machine = new Machine()
    let clock = await machine.start()
    clock = await machine.restart(clock, YEAR)
    clock.trust()
    assert.equal(clock.now(), machine.wall)
    clock = await machine.restart(clock)
    assert.equal(clock.now(), machine.wall)
  })

  it('knows from the last commit what time it was, where it was not written down, or not as it should be', async () => {
    for (const saved of [undefined, 'null', '{"time":"x"}', '{"ti']) {
      const machine = new Machine()
      if (saved !== undefined) await machine.map.put('seen', Buffer.from(saved))
      machine.since = machine.wall - YEAR
      const clock = await machine.start()
      assert.equal(clock.now(), machine.since)
      const next = await machine.start() // the first was killed
      assert.equal(next.now(), machine.since)
    }
  })

  it('goes on where it cannot be written down', async () => {
    const machine = new Machine()
    machine.map.put = () => Promise.reject(new Error('ENOSPC'))
    const clock = await machine.start()
    assert.equal(clock.now(), machine.wall)
    await clock[Symbol.asyncDispose]()
    assert.match(machine.told.join(''), /ENOSPC/)
  })
})
