import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { eventually } from '../../support/two-nodes.ts'
import { changedOptions } from '../hooks.ts'
import { MixedLoad } from '../mixed-load.ts'
import { Shim } from '../shim/shim.ts'
import { COLLECTING, Collected } from './collecting.ts'
import { COLLECTION_POINTS, FAIL_POINTS } from './fail-points.ts'
import { LOST } from '../stock/signs.ts'
import type { SeededRandom } from '../random.ts'
import type { Campaign, Ground, Running } from './campaign.ts'

/** Cycles of one registry; then a new one, or looking through it all would take ever longer. */
const LIFE = 12
const WRITERS = 6
/** Longest time until the kill, in ms. */
const LONGEST_MS = 900
/** Every so many cycles the daemon is killed once more, in the collection after its start. */
const COLLECTING_EVERY = 3
/** A fail point that nobody comes to in so many ms becomes a kill at that time. */
const PATIENCE_MS = 2_000

export const campaign: Campaign = {
  about: `SIGKILL at random times and at named places, under mixed load

A cycle: writers push images and blobs in every way, tag, mount, delete, and upload in chunks that outlive the daemon.
Garbage is collected every second. The daemon is killed, at a random time or before or after a certain call to its disk,
and started again; now and then it is killed again while it collects what it left. Then everything that was ever
acknowledged is pulled back and compared.`,
  usual: 8,
  sabotages: { lose: 'what is written to the log of the state database does not get there' },
  stock: { mfs: [LOST] },
  start: (ground) => Promise.resolve(new KillCampaign(ground)),
}

class KillCampaign implements Running {
  readonly #ground: Ground
  readonly #shim: Shim
  #daemon: DaemonProcess | undefined
  #load: MixedLoad
  #acknowledged = 0
  readonly #collected = new Collected()
  #atRandom = 0
  #slowest = 0
  readonly #places = new Map<string, number>()

  constructor(ground: Ground) {
    this.#ground = ground
    this.#shim = Shim.build(ground.directory)
    this.#load = new MixedLoad(WRITERS, ground.seed)
  }

  async cycle(number: number): Promise<void> {
    const { random } = this.#ground
    const daemon = await this.#atBegin(number)
    const client = new RegistryClient(daemon.url)
    const before = this.#load.acknowledged
    const running = this.#load.run(client)
    running.catch(() => undefined) // awaited below
    await Promise.race([eventually(() => this.#load.acknowledged > before, 'an answer'), running])
    // Every second one at a random time.
    if (number % 2 === 0) await this.#killAtRandom(daemon, running, random)
    else await this.#killAtPlace(daemon, running, random)
    await running
    this.#shim.disarm()
    await daemon.restart()
    if (number % COLLECTING_EVERY === 1) await this.#killCollecting(daemon, random)
    this.#slowest = Math.max(this.#slowest, daemon.readyAfter)
    await this.#load.verify(new RegistryClient(daemon.url))
    this.#acknowledged += this.#load.acknowledged - before
    const fatal = daemon.log.filter((line) => /"level":60|please report|unhandled/i.test(line))
    assert.deepEqual(fatal, [])
    if (this.#ground.stock === undefined) await this.#collected.take(daemon)
  }

  figures(): string[] {
    const places = [...this.#places].map(([name, times]) => `${name} ${times}`)
    return [
      `${this.#acknowledged} acknowledged operations: 0 lost, 0 half-applied.`,
      `${this.#atRandom} kills at random times; at named places: ${places.join(', ') || 'none'}.`,
      this.#collected.line,
      `The slowest start took ${Math.round(this.#slowest)} ms.`,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.remove()
    this.#shim[Symbol.dispose]()
  }

  async #atBegin(number: number): Promise<DaemonProcess> {
    if (number % LIFE > 0 && this.#daemon !== undefined) return this.#daemon
    await this.#daemon?.remove()
    const { directory, seed, sabotage } = this.#ground
    const data = join(directory, `data-${number}`)
    const env = this.#shim.environment(data, sabotage === 'lose' ? { lose: 'state/' } : {})
    this.#load = new MixedLoad(WRITERS, seed + number)
    const config = this.#ground.stock === undefined ? COLLECTING : {} // ours is not for trees of others
    const options = { data, env, config, ...changedOptions(this.#ground) }
    this.#daemon = await DaemonProcess.start(options)
    return this.#daemon
  }

  async #killAtRandom(
    daemon: DaemonProcess,
    running: Promise<void>,
    random: SeededRandom,
  ): Promise<void> {
    this.#atRandom++
    await Promise.race([pause(random.between(0, LONGEST_MS)), running])
    const { signal } = await daemon.kill()
    assert.equal(signal, 'SIGKILL')
  }

  async #killAtPlace(
    daemon: DaemonProcess,
    running: Promise<void>,
    random: SeededRandom,
  ): Promise<void> {
    await this.#killAt(FAIL_POINTS, daemon, random, Promise.race([running, pause(PATIENCE_MS)]))
  }

  /** What nobody needs any more is deleted after a start: before, every state that was read from stays. */
  async #killCollecting(daemon: DaemonProcess, random: SeededRandom): Promise<void> {
    if (this.#ground.stock !== undefined) return
    const ended = this.#collected.ended(daemon).catch((error: unknown) => {
      if (error instanceof assert.AssertionError) throw error // else the daemon is gone, as it is meant to be
    })
    await this.#killAt(COLLECTION_POINTS, daemon, random, ended)
    this.#shim.disarm()
    await daemon.restart()
  }

  /** @param over when it is not waited for any longer that the daemon comes to the place */
  async #killAt(
    places: typeof FAIL_POINTS,
    daemon: DaemonProcess,
    random: SeededRandom,
    over: Promise<unknown>,
  ): Promise<void> {
    const [name, { calls, path }] = random.pick(Object.entries(places)) ?? assert.fail()
    const when = random.next() < 0.5 ? 'before' : 'after'
    this.#shim.kill({ calls, path, at: random.between(1, 12) }, when)
    await Promise.race([over, daemon.exited()])
    const isHit = this.#shim.hits.count > 0
    if (!isHit) await daemon.kill()
    await daemon.exited()
    const what = isHit ? `${when} ${name}` : 'never reached'
    this.#places.set(what, (this.#places.get(what) ?? 0) + 1)
  }
}
