import assert from 'node:assert/strict'
import { join } from 'node:path'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { changedOptions } from '../hooks.ts'
import { AGEING, Ageing } from './ageing.ts'
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
/**
 * Cycles of one registry. Each second one is killed between its lives; after that, for an hour, collections only forget
 * commits and delete blocks, since nobody knows what clients were told.
 */
const LIFE = 3

export const campaign: Campaign = {
  about: `the clock jumps, while the daemon runs and between two starts

A cycle: writers work while the clock jumps two days ahead, an hour or a year back, five years ahead, or to what it should
be; then the daemon is stopped or killed, and started again under that clock. Before and after that garbage is collected.
Everything acknowledged is pulled back, uploads go on where they stood, the journal has all commits in their order, what
goes by age is still there, and the sequence of our name never falls.`,
  usual: 5,
  sabotages: { wall: 'ages go by the clock on the wall' },
  stock: { ipns: [/^the sequence was \d+, and is \d+$/] },
  start: (ground) => Promise.resolve(new ClockCampaign(ground)),
}

class ClockCampaign implements Running {
  readonly #ground: Ground
  readonly #shim: Shim
  #daemon: DaemonProcess | undefined
  #load: MixedLoad
  #ageing: Ageing | undefined
  #acknowledged = 0
  #collections = 0
  #sequence = 0
  #jumps = 0

  constructor(ground: Ground) {
    this.#ground = ground
    this.#shim = Shim.build(ground.directory)
    this.#load = new MixedLoad(4, ground.seed)
  }

  async cycle(number: number): Promise<void> {
    const { random } = this.#ground
    const daemon = await this.#atBegin(number)
    const ageing = this.#ageing ?? assert.fail()
    const [acknowledged, { collections }] = [this.#load.acknowledged, ageing]
    const [, seconds] = random.pick(Object.entries(JUMPS)) ?? assert.fail()
    const work = this.#load.run(new RegistryClient(daemon.url), {
      until: AbortSignal.timeout(CYCLE_MS),
    })
    this.#shim.clock = seconds
    this.#jumps++
    await work
    await this.#look(daemon, ageing)
    if (!this.#isStock && Math.floor(number / LIFE) % 2 === 0) await daemon.stop()
    else await daemon.kill()
    await daemon.restart()
    await this.#look(daemon, ageing)
    this.#acknowledged += this.#load.acknowledged - acknowledged
    this.#collections += ageing.collections - collections
  }

  figures(): string[] {
    return [
      `${this.#jumps} jumps of the clock, each with a start after it; ${this.#acknowledged} acknowledged operations: 0 lost. The sequence of the name never fell.`,
      `${this.#collections} collections under those clocks deleted nothing by its age.`,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.remove()
    this.#shim[Symbol.dispose]()
  }

  /** A stock part is given time: one registry, which is killed each time. */
  get #isStock(): boolean {
    return this.#ground.stock !== undefined
  }

  async #atBegin(number: number): Promise<DaemonProcess> {
    if (this.#daemon !== undefined && (this.#isStock || number % LIFE > 0)) return this.#daemon
    await this.#daemon?.remove()
    const { directory, seed } = this.#ground
    const data = join(directory, `data-${number}`)
    this.#shim.clock = 0
    this.#load = new MixedLoad(4, seed + number)
    this.#sequence = 0
    const env = this.#shim.environment(data)
    const options = { data, env, config: AGEING, ...changedOptions(this.#ground) }
    this.#daemon = await DaemonProcess.start(options)
    this.#ageing = await Ageing.begin(this.#daemon)
    return this.#daemon
  }

  async #look(daemon: DaemonProcess, ageing: Ageing): Promise<void> {
    await ageing.collect(daemon)
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
