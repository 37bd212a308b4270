import assert from 'node:assert/strict'
import { join } from 'node:path'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { changedOptions } from '../hooks.ts'
import { MixedLoad } from '../mixed-load.ts'
import { Shim } from '../shim/shim.ts'
import type { Campaign, Ground, Running } from './campaign.ts'

const HOUR = 3600
const DAY = 24 * HOUR
/** How wrong the clock is, in seconds: as after a dead battery, a bad time server, or a pause of the machine. */
const JUMPS: Readonly<Record<string, number>> = {
  'two days ahead': 49 * HOUR,
  'an hour back': -HOUR,
  'a year back': -365 * DAY,
  'five years ahead': 5 * 365 * DAY,
  right: 0,
}
const CYCLE_MS = 400

export const campaign: Campaign = {
  about: `the clock jumps, while the daemon runs and between two starts

A cycle: writers work while the clock jumps two days ahead, an hour or a year back, five years ahead, or to what it should
be; then the daemon is killed and started again under that clock. Everything acknowledged is pulled back, uploads go on
where they stood, the journal has all commits in their order, and the sequence of our name never falls.`,
  usual: 5,
  sabotages: {},
  stock: { ipns: [/^the sequence was \d+, and is \d+$/] },
  start: (ground) => Promise.resolve(new ClockCampaign(ground)),
}

class ClockCampaign implements Running {
  readonly #ground: Ground
  readonly #shim: Shim
  readonly #load: MixedLoad
  #daemon: DaemonProcess | undefined
  #sequence = 0
  #jumps = 0

  constructor(ground: Ground) {
    this.#ground = ground
    this.#shim = Shim.build(ground.directory)
    this.#load = new MixedLoad(4, ground.seed)
  }

  async cycle(): Promise<void> {
    const { random } = this.#ground
    const daemon = (this.#daemon ??= await this.#start())
    const [, seconds] = random.pick(Object.entries(JUMPS)) ?? assert.fail()
    const work = this.#load.run(new RegistryClient(daemon.url), {
      until: AbortSignal.timeout(CYCLE_MS),
    })
    this.#shim.clock = seconds
    this.#jumps++
    await work
    await this.#look(daemon)
    await daemon.kill()
    await daemon.restart()
    await this.#look(daemon)
  }

  figures(): string[] {
    return [
      `${this.#jumps} jumps of the clock, each with a start after it; ${this.#load.acknowledged} acknowledged operations: 0 lost. The sequence of the name never fell.`,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.remove()
    this.#shim[Symbol.dispose]()
  }

  async #start(): Promise<DaemonProcess> {
    const data = join(this.#ground.directory, 'data')
    return DaemonProcess.start({
      data,
      env: this.#shim.environment(data),
      ...changedOptions(this.#ground),
    })
  }

  async #look(daemon: DaemonProcess): Promise<void> {
    await this.#load.verify(new RegistryClient(daemon.url))
    const { ipns, storage } = await daemon.until(({ ipns }) => ipns?.pending === false)
    assert.ok(ipns !== null)
    assert.ok(
      ipns.sequence >= this.#sequence,
      `the sequence was ${this.#sequence}, and is ${ipns.sequence}`,
    )
    assert.equal(ipns.publishedRoot, storage.root)
    this.#sequence = ipns.sequence
  }
}
