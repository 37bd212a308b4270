import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { eventually } from '../../support/two-nodes.ts'
import { cutPower, noteBefore } from '../crash/crash-state.ts'
import { readTrace } from '../crash/trace.ts'
import { changedOptions } from '../hooks.ts'
import { COLLECTING, Collected } from './collecting.ts'
import { MixedLoad } from '../mixed-load.ts'
import { Shim } from '../shim/shim.ts'
import { LOST, UNREADABLE } from '../stock/signs.ts'
import type { Before } from '../crash/crash-state.ts'
import type { Loss } from '../crash/file-content.ts'
import type { Campaign, Ground, Running } from './campaign.ts'

/** Cycles of one registry. */
const LIFE = 8
const WRITERS = 6
const LONGEST_MS = 900
const LOSSES: readonly Loss[] = ['all', 'bytes', 'some']

export const campaign: Campaign = {
  about: `power cut under mixed load: what was not synced is dropped or torn

A cycle: writers work as under kill, and garbage is collected every second. Every write, sync and change of a name is written down. The daemon is killed, and
its data directory becomes what a disk would have after the power was cut: of what no sync covers, nothing, or lengths
without the bytes, or any part. The daemon is started on that, and everything that was ever acknowledged is pulled back.`,
  usual: 6,
  sabotages: { fsync: 'fsync and fdatasync do nothing' },
  stock: { 'blockstore-fs': [UNREADABLE], 'mfs-locked': [LOST] },
  start: (ground) => Promise.resolve(new PowerCampaign(ground)),
}

/** One registry through some cuts. */
interface Life {
  readonly daemon: DaemonProcess
  readonly load: MixedLoad
  before: Before
}

class PowerCampaign implements Running {
  readonly #ground: Ground
  readonly #shim: Shim
  readonly #trace: string
  #life: Life | undefined
  #acknowledged = 0
  readonly #collected = new Collected()
  #changes = 0
  readonly #cuts = new Map<Loss, number>()

  constructor(ground: Ground) {
    this.#ground = ground
    this.#shim = Shim.build(ground.directory)
    this.#trace = join(ground.directory, 'trace')
  }

  async cycle(number: number): Promise<void> {
    const { random } = this.#ground
    const life = await this.#atBegin(number)
    const { daemon, load } = life
    const before = load.acknowledged
    const running = load.run(new RegistryClient(daemon.url))
    running.catch(() => undefined) // awaited below
    await Promise.race([eventually(() => load.acknowledged > before, 'an answer'), running])
    await Promise.race([pause(random.between(0, LONGEST_MS)), running])
    await daemon.kill()
    await running
    const loss = LOSSES[number % LOSSES.length] ?? 'all'
    const changes = await readTrace(this.#trace)
    this.#changes += changes.length
    cutPower(daemon.data, life.before, changes, loss, random)
    await this.#start(life)
    await load.verify(new RegistryClient(daemon.url))
    this.#acknowledged += load.acknowledged - before
    this.#cuts.set(loss, (this.#cuts.get(loss) ?? 0) + 1)
    const fatal = daemon.log.filter((line) => /"level":60|please report|unhandled/i.test(line))
    assert.deepEqual(fatal, [])
    if (this.#ground.stock === undefined) await this.#collected.take(daemon)
  }

  figures(): string[] {
    const cuts = (loss: Loss): number => this.#cuts.get(loss) ?? 0
    return [
      `${this.#acknowledged} acknowledged operations: 0 lost, 0 half-applied.`,
      `Of what was not synced the disk had nothing ${cuts('all')} times, lengths without bytes ${cuts('bytes')} times, and any part ${cuts('some')} times; ${this.#changes} changes of it were followed.`,
      this.#collected.line,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life?.daemon.remove()
    this.#shim[Symbol.dispose]()
  }

  async #atBegin(number: number): Promise<Life> {
    if (number % LIFE > 0 && this.#life !== undefined) return this.#life
    await this.#life?.daemon.remove()
    const { directory, seed, sabotage } = this.#ground
    const data = join(directory, `data-${number}`)
    mkdirSync(data, { mode: 0o700 })
    const env = this.#shim.environment(data, { trace: this.#trace, noSync: sabotage === 'fsync' })
    const before = this.#note(data)
    const config = this.#ground.stock === undefined ? COLLECTING : {} // ours is not for trees of others
    const options = { data, env, config, ...changedOptions(this.#ground) }
    const daemon = await DaemonProcess.start(options)
    this.#life = { daemon, load: new MixedLoad(WRITERS, seed + number), before }
    return this.#life
  }

  async #start(life: Life): Promise<void> {
    life.before = this.#note(life.daemon.data)
    await life.daemon.restart()
  }

  #note(data: string): Before {
    if (existsSync(this.#trace)) rmSync(this.#trace)
    return noteBefore(data, join(this.#ground.directory, 'before'))
  }
}
