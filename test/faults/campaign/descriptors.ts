import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { digestOf } from '../../../src/oci/digest.ts'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { eventually } from '../../support/two-nodes.ts'
import { MixedLoad } from '../mixed-load.ts'
import { changedOptions } from '../hooks.ts'
import { LOST, NOT_FOUND } from '../stock/signs.ts'
import type { Socket } from 'node:net'
import type { ClientAnswer } from '../../support/client.ts'
import type { Campaign, Ground, Running } from './campaign.ts'

const LIMIT = 256
/** Connections that are opened and say nothing, and pulls at once: far more than there are descriptors. */
const IDLE = 40
const PULLS = 1000
const BLOBS = 8
const SIZE = 700_000

export const campaign: Campaign = {
  about: `too many open files (ulimit -n 256) under load

A cycle: 40 connections that say nothing, then 1,000 pulls at once and writers beside them, of a daemon that may have 256
files open. Every answer is right, or 503 or 429 with Retry-After; or the connection is refused or closed. There is no
404 but a true one. In every second cycle the daemon's own bound on connections is taken away, so that files run out where
blocks are read and written, and not only where connections are taken. Then the crowd goes: the daemon must serve and take pushes again, and have everything.`,
  usual: 4,
  sabotages: { 'as-404': 'what could not be read is answered with 404' },
  stock: { helia: [LOST, NOT_FOUND] },
  start: async (ground) => {
    const running = new DescriptorsCampaign(ground)
    await running.open()
    return running
  },
}

/** A daemon, and what it acknowledged. */
interface Crowded {
  readonly daemon: DaemonProcess
  readonly load: MixedLoad
}

class DescriptorsCampaign implements Running {
  readonly #ground: Ground
  readonly #blobs = Array.from({ length: BLOBS }, () => randomBytes(SIZE))
  readonly #answers = new Map<string, number>()
  readonly #stack = new AsyncDisposableStack()
  #crowded: readonly Crowded[] = []

  constructor(ground: Ground) {
    this.#ground = ground
  }

  async open(): Promise<void> {
    this.#crowded = [await this.#start(), await this.#start('unbounded')]
  }

  async #start(hook?: string): Promise<Crowded> {
    const { seed } = this.#ground
    const under = ['sh', '-c', `ulimit -n ${LIMIT}; exec "$@"`, 'sh']
    const hooks = changedOptions(this.#ground, { sabotage: hook })
    const daemon = this.#stack.use(await DaemonProcess.start({ under, ...hooks }))
    const client = new RegistryClient(daemon.url)
    for (const blob of this.#blobs) await client.pushBlob('crowd', blob)
    return { daemon, load: new MixedLoad(4, seed) }
  }

  async cycle(number: number): Promise<void> {
    const { daemon, load } = this.#crowded[number % 2] ?? assert.fail()
    const client = new RegistryClient(daemon.url)
    const sockets = await openIdle(daemon)
    const enough = new AbortController()
    const running = load.run(client, {
      until: enough.signal,
      excuse: (answer) => this.#isExcused(answer),
    })
    await Promise.all(Array.from({ length: PULLS }, (_, n) => this.#pull(client, n % BLOBS)))
    enough.abort()
    for (const socket of sockets) socket.destroy()
    await running
    await eventually(() => isServing(client), 'it serves again')
    await load.verify(client)
    for (const blob of this.#blobs)
      assert.ok((await client.blob('crowd', digestOf(blob))).equals(blob))
    await client.pushBlob('crowd', randomBytes(SIZE))
  }

  figures(): string[] {
    const answers = [...this.#answers].map(([what, times]) => `${what} ${times}`)
    return [
      `Of ${PULLS} pulls at once in each cycle, with ${IDLE} idle connections, at ${LIMIT} descriptors: ${answers.join(', ')}. No false 404.`,
      `${this.#crowded.reduce((sum, { load }) => sum + load.acknowledged, 0)} operations were acknowledged meanwhile: 0 lost. The daemon served and took pushes again without a restart.`,
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #pull(client: RegistryClient, which: number): Promise<void> {
    const bytes = this.#blobs[which] ?? assert.fail()
    try {
      const answer = await client.call('GET', `/v2/crowd/blobs/${digestOf(bytes)}`)
      if (answer.status === 200) assert.ok(answer.body.equals(bytes))
      else assert.ok(this.#isExcused(answer), `a pull is answered with ${answer.status}`)
      this.#count(String(answer.status))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      this.#count('no connection')
    }
  }

  #isExcused({ status, headers }: ClientAnswer): boolean {
    if (status !== 503 && status !== 429) return false
    assert.match(headers.get('retry-after') ?? '', /^\d+$/)
    return true
  }

  #count(what: string): void {
    this.#answers.set(what, (this.#answers.get(what) ?? 0) + 1)
  }
}

async function openIdle({ url }: DaemonProcess): Promise<Socket[]> {
  const port = Number(new URL(url).port)
  return Promise.all(
    Array.from({ length: IDLE }, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined) // it is one too many
      await Promise.race([once(socket, 'connect'), once(socket, 'close')])
      return socket
    }),
  )
}

async function isServing(client: RegistryClient): Promise<boolean> {
  try {
    return (await client.call('GET', '/v2/')).status === 200
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}
