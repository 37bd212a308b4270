import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { INSPECTABLE, collectGarbage } from '../../fuzz/inspector.ts'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { emptyRegistry } from '../empty.ts'
import { MixedLoad } from '../mixed-load.ts'
import { changedOptions } from '../hooks.ts'
import { trendOf } from './trend.ts'
import type { Campaign, Ground, Running } from './campaign.ts'
import type { Point, Trend } from './trend.ts'

const WRITERS = 3
/** How long the load of a cycle goes on, in ms; then it is verified and measured. */
const LOAD_MS = 8_000
/** Lives of the process in a campaign: there is a restart under load between each two. */
const LIVES = 5
/** Cycles that a life has at the least, however short the campaign is. */
const SHORTEST_LIFE = 8
/** The share of a life until the caches, which have bounds, are full; it is not in the trend. */
const WARM_UP = 1 / 3
/** With fewer points any little thing looks steep; the interval says so, and becomes narrow with time. */
const POINTS = 40
/** How fast what is live may grow, in MiB an hour; a trend is held against it with the whole of its interval. */
const SLOPE = 1
/** So many intervals of 95 % away from that, it is no chance any more. */
const BEYOND_DOUBT = 3
/** Open files at rest: the most and the least may be so far apart (LevelDB has more tables at some times). */
const FILES = 64

const MiB = 2 ** 20
const HOUR = 3_600_000

export const campaign: Campaign = {
  about: `mixed load for long, with collections all the time and restarts

A cycle: some 10 s of writers that push, tag, mount, upload and delete, while garbage is collected every second; everything is
pulled back; the repositories are deleted. Then the daemon has what it had before, and its live objects (after a
collection of the heap) and its open files are counted. In each fifth of the campaign, but after 8 cycles at the earliest, it
is stopped or killed under load and started again. Outside of that no call may fail. 420 cycles are about 90 minutes.`,
  usual: 24,
  sabotages: { leak: 'some of each request is never let go' },
  stock: {},
  start: async (ground) => {
    const running = new SoakCampaign(ground)
    await running.begin()
    return running
  },
}

class SoakCampaign implements Running {
  readonly #ground: Ground
  /** Cycles of a life of the process. */
  readonly #span: number
  #daemon: DaemonProcess | undefined
  #life = 0
  #acknowledged = 0
  #restarts = 0
  readonly #live: Point[] = []
  readonly #files: number[] = []

  constructor(ground: Ground) {
    this.#ground = ground
    this.#span = Math.max(SHORTEST_LIFE, Math.ceil(ground.cycles / LIVES))
  }

  async begin(): Promise<void> {
    const { nodeOptions } = changedOptions(this.#ground)
    this.#daemon = await DaemonProcess.start({
      config: {
        // A blob that no manifest needs stays for so long: longer than a cycle takes, also on a slow machine.
        retention: { history: '0s', lease: '1m' },
        gc: { interval: '1s' },
        log: { level: 'warn' },
      },
      nodeOptions: [...INSPECTABLE, ...nodeOptions],
    })
  }

  async cycle(number: number): Promise<void> {
    const daemon = this.#daemon ?? assert.fail()
    const client = new RegistryClient(daemon.url)
    const load = new MixedLoad(WRITERS, this.#ground.seed + number)
    const isLast = (number + 1) % this.#span === 0
    if (isLast) await this.#restartUnder(load, daemon)
    else await load.run(client, { until: AbortSignal.timeout(LOAD_MS) })
    await load.verify(client)
    this.#acknowledged += load.acknowledged
    await emptyRegistry(client)
    if (!isLast) await this.#measure(number, daemon)
    this.#judge(number + 1 === this.#ground.cycles)
  }

  figures(): string[] {
    const trend = trendOf(this.#live)
    const live = this.#live.map(({ y }) => y)
    const range = `${Math.round(Math.min(...live))} to ${Math.round(Math.max(...live))} MiB`
    return [
      `${this.#acknowledged} acknowledged operations, ${this.#restarts} restarts under load: no call failed outside of these, 0 lost.`,
      `Live objects after a collection, without the first third of each life: ${live.length === 0 ? 'not measured' : range}; ${trend === undefined ? 'too few for a trend' : `trend ${told(trend)}`}.`,
      `Open files at rest: ${Math.min(...this.#files)} to ${Math.max(...this.#files)}.`,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.remove()
  }

  /** Ends it in the middle of the load, one time gently and one time not, and starts it again. */
  async #restartUnder(load: MixedLoad, daemon: DaemonProcess): Promise<void> {
    const isKill = this.#life % 2 === 1
    // Being told to stop, it refuses what is new.
    const excuse = ({ status }: { status: number }): boolean => !isKill && status === 503
    const running = load.run(new RegistryClient(daemon.url), { excuse })
    running.catch(() => undefined) // awaited below
    await Promise.race([pause(LOAD_MS), running])
    const { code, signal } = await (isKill ? daemon.kill() : daemon.stop())
    assert.deepEqual(
      { code, signal },
      isKill ? { code: null, signal: 'SIGKILL' } : { code: 0, signal: null },
    )
    await running
    await daemon.restart()
    this.#life++
    this.#restarts++
  }

  async #measure(number: number, daemon: DaemonProcess): Promise<void> {
    const live = (await collectGarbage(daemon)) / MiB
    this.#files.push((await readdir(`/proc/${daemon.pid}/fd`)).length)
    if (number % this.#span < this.#span * WARM_UP) return
    this.#live.push({ group: this.#life, x: performance.now() / HOUR, y: live })
  }

  /**
   * Judges the trend at the end. Before, it is looked at after each cycle, and who looks a hundred times sees what happens
   * once in twenty: so it ends the campaign only when it is beyond doubt.
   *
   * @throws AssertionError
   */
  #judge(isEnd: boolean): void {
    const trend = trendOf(this.#live)
    const margins = isEnd ? 1 : BEYOND_DOUBT
    if (trend !== undefined && trend.points >= POINTS)
      assert.ok(
        trend.slope - margins * trend.margin <= SLOPE,
        `live objects grow by ${told(trend)}`,
      )
    const [least, most] = [Math.min(...this.#files), Math.max(...this.#files)]
    assert.ok(most - least <= FILES, `between ${least} and ${most} open files at rest`)
  }
}

function told({ slope, margin, points }: Trend): string {
  return `${slope.toFixed(2)} ± ${margin.toFixed(2)} MiB an hour (95 % confidence, ${points} points)`
}
