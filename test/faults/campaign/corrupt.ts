import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DAMAGES } from '../damage.ts'
import { Owner } from '../rot/owner.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { changedOptions } from '../hooks.ts'
import { damageAtRest } from '../rot/at-rest.ts'
import { WRONG } from '../stock/signs.ts'
import type { Campaign, Ground, Running } from './campaign.ts'

/** Every so many cycles the daemon is stopped, and its databases and logs are damaged. */
const REST_EVERY = 10
/** How long a start may take on a machine that has much else to do, in ms: it is no fault that is looked for here. */
const PATIENCE = 120_000

export const campaign: Campaign = {
  about: `files of blocks, databases, the journal and logs of uploads are damaged in every way

A cycle: a block's file of a running daemon is flipped, cut, emptied, overwritten, swapped or removed, and what it belongs
to is pulled: a body that comes whole must be right, and nothing is 404. Where a mirror has a good copy, the answer must
be right at once; where none has, a push must mend it. Every ${REST_EVERY}th time something is pushed, the daemon is stopped or
killed, and a file of LevelDB, or of an upload, is damaged: three starts in a row must have everything, what was pushed last
included, or say 503, or refuse; none may go back in silence, or forget what the one before has seen.`,
  usual: 60,
  sabotages: { hash: 'blocks are not compared with their hash' },
  stock: { 'blockstore-fs': [WRONG], exporter: [WRONG] },
  start: async (ground) => {
    const running = new CorruptCampaign(ground)
    await running.open()
    return running
  },
}

class CorruptCampaign implements Running {
  readonly #ground: Ground
  readonly #stack = new AsyncDisposableStack()
  /** One that nobody mirrors, and one that has a mirror with everything. */
  #alone: Owner | undefined
  #mirrored: Owner | undefined
  readonly #counts = {
    pushed: 0,
    fetched: 0,
    served: 0,
    partly: 0,
    readOnly: 0,
    repaired: 0,
    refused: 0,
  }

  constructor(ground: Ground) {
    this.#ground = ground
  }

  async open(): Promise<void> {
    const { directory, random } = this.#ground
    const hooks = changedOptions(this.#ground)
    const start = async (name: string): Promise<DaemonProcess> =>
      this.#stack.use(
        await DaemonProcess.start({ data: join(directory, name), timeout: PATIENCE, ...hooks }),
      )
    this.#alone = await Owner.fill(await start('alone'), random)
    const source = await start('source')
    this.#mirrored = await Owner.fill(source, random)
    const [mirrors, peers] = [[{ key: source.ipnsName, replicate: 'full' }], [source.peerAddress]]
    const config = { ipns: { readOnlyKeys: mirrors } }
    const mirror = this.#stack.use(await DaemonProcess.start({ peers, config }))
    await this.#mirrored.waitFor(mirror)
  }

  async cycle(number: number): Promise<void> {
    const { random } = this.#ground
    if (number % REST_EVERY === REST_EVERY - 1) return this.#atRest()
    const isMirrored = number % 2 === 0
    const owner = (isMirrored ? this.#mirrored : this.#alone) ?? assert.fail()
    const [what, damage] = random.pick(Object.entries(DAMAGES)) ?? assert.fail()
    const target = owner.pick(random)
    let other = owner.pick(random)
    while (other.file === target.file) other = owner.pick(random) // to swap it with itself is no damage
    try {
      await damage(target.file, random, other.file)
      const isTwo = what.startsWith('swapped') && target.path !== other.path // or one push mends both
      for (const damaged of isTwo ? [target, other] : [target]) {
        if (isMirrored) await owner.isServed(damaged)
        else await owner.isMended(damaged)
      }
    } catch (error) {
      const log = owner.daemon.log.filter((line) => !line.includes('"level":30')).slice(-4)
      const where = `${target.path} of ${isMirrored ? 'the mirrored' : 'the lone'} registry`
      throw new Error(`${where}, a block of it ${what}\n${log.join('\n')}`, { cause: error })
    }
    if (isMirrored) this.#counts.fetched++
    else this.#counts.pushed++
  }

  figures(): string[] {
    const { pushed, fetched, served, partly, readOnly, repaired, refused } = this.#counts
    return [
      `${pushed + fetched} blocks damaged: no wrong body came whole, and no 404. ${fetched} had a good copy at a mirror, and the first answer was right; ${pushed} had none, were refused, and mended by a push.`,
      `${served + partly + readOnly + repaired + refused} files of databases and uploads damaged, right after a push and a stop or a kill, and started on three times: ${refused + repaired} times the daemon refused to start, and ${repaired} of these did after heliport fsck --repair, ${readOnly} times it knew that it does not have the newest state, in each start, and was read-only, ${partly} times it served and said 503 to some questions, ${served} times everything was there all the same. The newest push was never 404, and the sequence of the name never fell.`,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #atRest(): Promise<void> {
    const owner = this.#alone ?? assert.fail()
    const outcome = await damageAtRest(owner, this.#ground.random)
    this.#counts[outcome]++
  }
}
