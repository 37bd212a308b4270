import assert from 'node:assert/strict'
import { join } from 'node:path'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { eventually } from '../../support/two-nodes.ts'
import { Push } from '../push.ts'
import { Shim } from '../shim/shim.ts'
import { changedOptions } from '../hooks.ts'
import { LOST, NOT_FOUND } from '../stock/signs.ts'
import type { CallKind, DiskError } from '../shim/shim.ts'
import type { Campaign, Ground, Running } from './campaign.ts'

/** After so many injections the daemon is started anew, and everything looked at. */
const LIFE = 25
/** A push needs a few calls more or fewer, as other things go on beside it. */
const SPARE = 4

/** What can fail in which way. */
const ERRORS: Readonly<Record<DiskError, readonly CallKind[]>> = {
  ENOSPC: ['create', 'write', 'rename', 'mkdir'],
  EIO: ['open', 'write', 'sync', 'rename', 'unlink', 'read', 'truncate', 'list'],
  EMFILE: ['open', 'list'],
  EACCES: ['open', 'rename', 'unlink', 'list'],
  EROFS: ['create', 'write', 'rename', 'unlink'],
}

export const campaign: Campaign = {
  about: `the k-th call to the disk fails, for every k of a push, with ENOSPC, EIO, EMFILE, EACCES and EROFS

A cycle: while an image is pushed in every way, read, mounted and deleted, one call to the disk fails, or that one and
all that follow. Every answer must be the right one, or 503 or 507; then the daemon goes on, or says that it stopped and
is started anew. What was acknowledged is pulled back, also after a restart. All there is to fail comes once in about
1,000 cycles, in an order that the seed decides.`,
  usual: 60,
  sabotages: { 'not-found': 'whatever cannot be read is taken for absent' },
  stock: { helia: [LOST, NOT_FOUND] },
  start: async (ground) => {
    const running = new IoCampaign(ground)
    await running.count()
    return running
  },
}

interface Injection {
  readonly error: DiskError
  readonly at: number
  readonly sticky: boolean
}

class IoCampaign implements Running {
  readonly #ground: Ground
  readonly #shim: Shim
  #daemon: DaemonProcess | undefined
  #plan: Injection[] = []
  #planned = 0
  /** What was pushed since the last start. */
  #pushes: Push[] = []
  #restarts = 0
  #met = 0
  #acknowledged = 0
  readonly #answers = new Map<number, number>()

  constructor(ground: Ground) {
    this.#ground = ground
    this.#shim = Shim.build(ground.directory)
  }

  /** How many calls a push makes, and so what there is to fail. */
  async count(): Promise<void> {
    const data = join(this.#ground.directory, 'data')
    const env = this.#shim.environment(data)
    this.#daemon = await DaemonProcess.start({ data, env, ...changedOptions(this.#ground) })
    const client = new RegistryClient(this.#daemon.url)
    const plan: Injection[] = []
    for (const [error, calls] of Object.entries(ERRORS) as [DiskError, readonly CallKind[]][]) {
      this.#shim.fail({ calls, at: 1_000_000 }, error)
      await this.#push(-1).run(client)
      const count = this.#shim.calls + SPARE
      for (let at = 1; at <= count; at++)
        plan.push({ error, at, sticky: false }, { error, at, sticky: true })
    }
    this.#shim.disarm()
    const keys = plan.map((one) => ({ one, key: this.#ground.random.next() }))
    this.#plan = keys.toSorted((a, b) => a.key - b.key).map(({ one }) => one)
    this.#planned = this.#plan.length
    console.log(`${this.#planned} ways for a push to fail`)
  }

  async cycle(number: number): Promise<void> {
    const injection = this.#plan[number % this.#planned] ?? assert.fail()
    const { error, at, sticky } = injection
    const daemon = this.#daemon ?? assert.fail()
    const client = new RegistryClient(daemon.url)
    const push = this.#push(number)
    this.#pushes.push(push)
    this.#shim.fail({ calls: ERRORS[error], at }, error, { sticky })
    try {
      await push.run(client)
      const { count, last } = this.#shim.hits
      if (count > 0) this.#met++
      this.#shim.disarm()
      for (const status of push.refusals)
        this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1)
      assert.ok(
        push.refusals.every((status) => status !== 507 || error === 'ENOSPC'),
        `507, and the disk said ${error}, ${last}`,
      )
      await this.#afterwards(daemon, number)
    } catch (failure) {
      this.#shim.disarm()
      const { last } = this.#shim.hits
      const what = `${error}${sticky ? ' from' : ' at'} call ${at} on, the last: ${last}`
      throw new Error(
        `${what}\n${daemon.log
          .filter((line) => !line.includes('"level":30'))
          .slice(-6)
          .join('\n')}`,
        { cause: failure },
      )
    }
  }

  figures(): string[] {
    const answers = [...this.#answers].map(([status, times]) => `${status} ${times} times`)
    return [
      `${this.#met} calls to the disk failed of ${this.#planned} ways for a push to fail; ${this.#acknowledged} acknowledged operations: 0 lost. Refusals: ${answers.join(', ') || 'none'}. No 404, and no other status.`,
      `${this.#restarts} times the daemon said that it takes no more changes (after a failed write or sync that does not pass), and after a restart it did.`,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.remove()
    this.#shim[Symbol.dispose]()
  }

  /** It goes on, or says that it does not. */
  async #afterwards(daemon: DaemonProcess, number: number): Promise<void> {
    const client = new RegistryClient(daemon.url)
    const last = this.#push(number)
    let isStopped = await this.#isStopped(client)
    if (!isStopped)
      await eventually(async () => {
        if (await last.isAccepted(client)) return true
        // The database's own work failed beside the push: the next write is the first to hear of it.
        isStopped = await this.#isStopped(client)
        return isStopped
      }, 'it takes pushes again, or says that it does not')
    if (isStopped) this.#restarts++
    await this.#pushes.at(-1)?.verify(client, { isStopped })
    if (!isStopped && this.#pushes.length < LIFE) return
    await daemon.kill()
    await daemon.restart()
    for (const push of this.#pushes) await push.verify(new RegistryClient(daemon.url))
    this.#acknowledged += this.#pushes.reduce((sum, push) => sum + push.acknowledged, 0)
    this.#pushes = []
  }

  /** Whether it says that it takes no more changes. */
  async #isStopped(client: RegistryClient): Promise<boolean> {
    const { status, body } = await client.call('GET', '/readyz')
    if (status !== 503) return false
    assert.match(body.toString(), /takes no changes/)
    return true
  }

  #push(number: number): Push {
    return new Push(`io/n${number + 1}`)
  }
}
