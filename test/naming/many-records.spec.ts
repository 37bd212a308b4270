import assert from 'node:assert/strict'
import { Mirror } from '../../src/naming/mirror.ts'
import { RecordExchange } from '../../src/naming/record-exchange.ts'
import { valueOf } from '../../src/naming/root-value.ts'
import {
  FakeClock,
  MemoryHub,
  MemoryMap,
  keychain,
  makeKey,
  makeRecord,
  nameOf,
  rootNumber,
  settle,
  silent,
  until,
} from './support.ts'

/** A disk that takes its time, until it is told to go on. */
class SlowMap extends MemoryMap {
  puts = 0
  readonly #gate = Promise.withResolvers<void>()

  override async put(key: string, value: Uint8Array): Promise<void> {
    this.puts++
    await this.#gate.promise
    await super.put(key, value)
  }

  goOn(): void {
    this.#gate.resolve()
  }
}

describe('an owner who signs records without end', () => {
  it('fills nothing up: only the newest waits to be looked at', async () => {
    const key = await makeKey()
    const hub = new MemoryHub()
    const [owner, network] = [hub.join('owner'), hub.join('us')]
    const [clock, state] = [new FakeClock(), new SlowMap()]
    const exchange = new RecordExchange({
      network,
      held: new MemoryMap(),
      keychain,
      clock,
      log: silent,
    })
    await exchange.start()
    const mirror = new Mirror(nameOf(key).text, {
      exchange,
      keychain,
      state,
      clock,
      log: silent,
      advance: () => Promise.resolve(),
      dial: () => Promise.resolve(false),
    })
    await mirror.start()
    for (let sequence = 1; sequence <= 40; sequence++) {
      const value = valueOf(await rootNumber(sequence))
      const record = await makeRecord(key, { sequence: BigInt(sequence), value })
      await owner.publish(nameOf(key).topic, record.bytes)
      await settle()
    }
    assert.equal(state.puts, 1)
    state.goOn()
    await until(() => mirror.status().sequence === '40')
    // The first of them, the newest, and the roots that serve.
    assert.ok(state.puts <= 4, `${state.puts} were kept`)
    await mirror.stop()
    exchange.stop()
  })
})
