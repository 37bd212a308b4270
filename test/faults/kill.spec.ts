import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { eventually } from '../support/two-nodes.ts'
import { MixedLoad } from './mixed-load.ts'
import { SeededRandom } from './random.ts'

/** More kills: `KILL_CYCLES=200 npx mocha test/faults/kill.spec.ts`; the same again: `KILL_SEED=<the seed it printed>`. */
const CYCLES = Number(process.env['KILL_CYCLES'] ?? 3)
const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 2 ** 31)

describe('F01: SIGKILL at any time (I1)', () => {
  it(`loses nothing acknowledged and leaves nothing in part (${CYCLES} kills, seed ${SEED})`, async function () {
    this.timeout(CYCLES * 30_000)
    await using daemon = await DaemonProcess.start()
    const load = new MixedLoad(6, SEED)
    const random = new SeededRandom(SEED + 1)
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const before = load.acknowledged
      const running = load.run(new RegistryClient(daemon.url))
      await eventually(() => load.acknowledged > before, 'the first answer')
      await Promise.race([pause(random.between(0, 900)), running])
      const { signal } = await daemon.kill()
      assert.equal(signal, 'SIGKILL')
      await running
      await daemon.restart()
      await load.verify(new RegistryClient(daemon.url))
    }
    assert.ok(load.acknowledged > CYCLES)
    const left = async (): Promise<string[]> =>
      (await readdir(join(daemon.data, 'blocks'), { recursive: true })).filter((path) =>
        path.endsWith('.tmp'),
      )
    await eventually(
      async () => (await left()).length === 0,
      `the removal of ${(await left()).join()}`,
    )
    const fatal = daemon.log.filter((line) => /"level":60|please report|unhandled/i.test(line))
    assert.deepEqual(fatal, [])
    assert.deepEqual(await daemon.stop(), { code: 0, signal: null })
  })
})
