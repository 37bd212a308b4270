import assert from 'node:assert/strict'
import { rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { eventually } from '../../support/two-nodes.ts'
import { changedOptions } from '../hooks.ts'
import { MixedLoad } from '../mixed-load.ts'
import { NoShim, Shim } from '../shim/shim.ts'
import { fillUp, isSetAside, smallDisk } from '../small-disk.ts'
import { JOURNAL_LOST, LOST } from '../stock/signs.ts'
import type { ClientAnswer } from '../../support/client.ts'
import type { Campaign, Ground, Running } from './campaign.ts'

const MIB = 1024 * 1024
const DISK = 64 * MIB
/** Cycles on one disk; what is pushed stays, so there is an end. */
const LIFE = 3
const WRITERS = 4
/** The longest that a full disk may go unsaid, in ms. */
const ANSWER_MS = 5_000

export const campaign: Campaign = {
  about: `a disk of 64 MiB is filled to the brim, by pushes and by others, again and again

A cycle: writers work as under kill while a file of somebody else's takes all that is left of the disk, to the last byte.
Pushes must be refused with 507 within 5 s, and nothing else but 503; everything acknowledged is pulled while the disk is
full, also after the daemon was killed and started again on the full disk. Then the file goes, and pushes must be taken
again without a restart; then the daemon is killed and started again, and everything is pulled once more.`,
  usual: 3,
  sabotages: { 'no-error': 'a write for which there is no room says that all is well' },
  stock: { level: [LOST, JOURNAL_LOST] },
  start: (ground) => Promise.resolve(new DiskFullCampaign(ground)),
}

interface Life {
  readonly disk: AsyncDisposable & { path: string }
  readonly daemon: DaemonProcess
  readonly load: MixedLoad
}

class DiskFullCampaign implements Running {
  readonly #ground: Ground
  readonly #shim: Shim
  #life: Life | undefined
  #acknowledged = 0
  #refused = 0
  #unavailable = 0
  #slowest = 0
  #left = 0

  constructor(ground: Ground) {
    this.#ground = ground
    this.#shim = Shim.build(ground.directory)
  }

  async cycle(number: number): Promise<void> {
    const { disk, daemon, load } = await this.#atBegin(number)
    await eventually(() => isSetAside(daemon.data), 'room is set aside')
    const client = new RegistryClient(daemon.url)
    const before = load.acknowledged
    const refused = Promise.withResolvers<void>()
    const excuse = (answer: ClientAnswer): boolean => {
      if (answer.status === 507) {
        this.#refused++
        assert.equal(answer.code(), 'INSUFFICIENT_STORAGE')
        refused.resolve()
      } else this.#unavailable++
      return answer.status === 507 || answer.status === 503
    }
    const enough = new AbortController()
    const running = load.run(client, { until: enough.signal, excuse })
    running.catch(() => undefined) // awaited below
    await Promise.race([eventually(() => load.acknowledged > before, 'an answer'), running])
    const ballast = join(disk.path, 'ballast')
    await fillUp(ballast)
    await Promise.race([refused.promise, running])
    await fillUp(ballast)
    await this.#isRefused(client)
    enough.abort()
    await running
    const { bavail, bsize } = await statfs(disk.path)
    this.#left = Math.max(this.#left, bavail * bsize)
    await load.verify(client)
    await daemon.kill()
    await daemon.restartUnready()
    await load.verify(new RegistryClient(daemon.url))

    await rm(ballast)
    await this.#isTakenAgain(daemon, load)
    await daemon.kill()
    await daemon.restart()
    await load.verify(new RegistryClient(daemon.url))
    this.#acknowledged += load.acknowledged - before
  }

  async #isTakenAgain(daemon: DaemonProcess, load: MixedLoad): Promise<void> {
    const client = new RegistryClient(daemon.url)
    await eventually(async () => (await begun(client)) === 202, 'pushes are taken again')
    await load.run(client, { until: AbortSignal.timeout(300) })
  }

  figures(): string[] {
    return [
      `${this.#acknowledged} acknowledged operations: 0 lost, 0 half-applied. Refused with 507 ${this.#refused} times, with 503 ${this.#unavailable} times, with nothing else.`,
      `A push to a disk with at most ${Math.round(this.#left / 1024)} KiB left was refused within ${Math.round(this.#slowest)} ms. Pushes were taken again without a restart each time.`,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
    this.#shim[Symbol.dispose]()
  }

  async #atBegin(number: number): Promise<Life> {
    if (number % LIFE > 0 && this.#life !== undefined) return this.#life
    await this.#end()
    const disk = await smallDisk(DISK)
    if (disk === undefined) throw new NoShim('a disk of its own needs root')
    const { seed, sabotage } = this.#ground
    const data = join(disk.path, 'data')
    const env = this.#shim.environment(data, { noError: sabotage === 'no-error' })
    const daemon = await DaemonProcess.start({ data, env, ...changedOptions(this.#ground) })
    this.#life = { disk, daemon, load: new MixedLoad(WRITERS, seed + number) }
    return this.#life
  }

  async #end(): Promise<void> {
    await this.#life?.daemon.remove()
    await this.#life?.disk[Symbol.asyncDispose]()
  }

  /** A look at the disk counts for a second, so the first may be taken yet. */
  async #isRefused(client: RegistryClient): Promise<void> {
    const began = performance.now()
    await eventually(async () => (await begun(client)) === 507, 'a push is refused with 507')
    const ms = performance.now() - began
    this.#slowest = Math.max(this.#slowest, ms)
    assert.ok(ms < ANSWER_MS, `507 took ${Math.round(ms)} ms`)
  }
}

/** Begins an upload, and cancels it. @returns how the beginning was answered */
async function begun(client: RegistryClient): Promise<number> {
  const { status, headers } = await client.call('POST', '/v2/load/full/blobs/uploads/')
  if (status === 202) await client.call('DELETE', headers.get('location') ?? assert.fail())
  return status
}
