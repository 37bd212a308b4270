import { setTimeout as pause } from 'node:timers/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { RegistryClient, UnexpectedAnswer } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { piece, randomImage } from '../support/random-image.ts'
import { collectOnce } from './collect-once.ts'
import { SeededRandom } from './random.ts'
import type { RandomManifest } from '../support/random-image.ts'

const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const SECONDS = 30
const CLIENTS = 16
/** Images that each pusher keeps; the one before it deletes. */
const KEPT = 1

/** What came of a soak. */
export interface SoakResult {
  pushes: number
  pulls: number
  deletes: number
  collections: number
  /** Blocks and bytes that the collections deleted. */
  blocks: number
  bytes: number
  /** Medians, in ms. */
  pushMs: number
  pullMs: number
  failures: string[]
}

/** An image that is there until its pusher deletes it. */
interface Pushed {
  readonly name: string
  readonly tag: string
  readonly image: RandomManifest
  isGone: boolean
}

/**
 * A real daemon that collects garbage without a pause, with pushers, which also delete, and pullers. Layers are shared and
 * come back after they were deleted everywhere, so that the same blocks die and are pushed again all the time.
 *
 * @param options `collects`: false for comparison
 */
export async function soak(options: {
  seconds: number
  clients: number
  seed: number
  collects?: boolean
}): Promise<SoakResult> {
  const { seconds, clients, seed, collects = true } = options
  await using daemon = await DaemonProcess.start({
    config: {
      retention: { history: '0s', lease: '10s' },
      gc: { interval: null },
      log: { level: 'warn' },
    },
  })
  const soaking = new Soak(daemon, seed)
  const until = Date.now() + seconds * 1000
  const numbers = Array.from({ length: clients }, (_, n) => n)
  await Promise.all([
    ...numbers.map((n) => soaking.repeat(until, () => soaking.push(n))),
    ...numbers.map(() => soaking.repeat(until, () => soaking.pull())),
    ...(collects ? [soaking.repeat(until, () => soaking.collect())] : []),
  ])
  await soaking.verify()
  return soaking.result()
}

class Soak {
  readonly #random: SeededRandom
  readonly #client: RegistryClient
  readonly #socket: string
  readonly #layers: readonly Uint8Array[]
  readonly #pushed: Pushed[][] = []
  readonly #pushTimes: number[] = []
  readonly #pullTimes: number[] = []
  readonly #result = { deletes: 0, collections: 0, blocks: 0, bytes: 0, failures: [] as string[] }
  #counter = 0

  constructor(daemon: DaemonProcess, seed: number) {
    this.#random = new SeededRandom(seed)
    this.#client = new RegistryClient(daemon.url)
    this.#socket = join(daemon.data, 'heliport.sock')
    const sizes = [2_500_000, 1_200_000, 600_000, 90_000, 40_000, 9000, 4000, 800]
    this.#layers = sizes.map(
      (size) => randomImage({ layers: [size] }).blobs[1]?.bytes ?? new Uint8Array(),
    )
  }

  async repeat(until: number, work: () => Promise<void>): Promise<void> {
    while (Date.now() < until) {
      try {
        await work()
      } catch (error) {
        this.#result.failures.push(String(error).slice(0, 300))
        await pause(100)
      }
    }
  }

  /** Pushes an image as clients do: what is there is not sent again. Then deletes its oldest one. */
  async push(n: number): Promise<void> {
    const own = (this.#pushed[n] ??= [])
    const name = `soak/r${n % 5}`
    const image = this.#image()
    const begun = performance.now()
    for (const { digest, bytes } of image.blobs) {
      const head = await this.#client.call('HEAD', `/v2/${name}/blobs/${digest}`)
      if (head.status === 200) continue
      if (head.status !== 404) throw new UnexpectedAnswer(head, `HEAD of a blob: ${head.status}`)
      await this.#client.pushBlob(name, bytes)
    }
    const tag = `t${this.#counter++}`
    await this.#client.putManifest(name, tag, image)
    this.#pushTimes.push(performance.now() - begun)
    own.push({ name, tag, image, isGone: false })
    const oldest = own.length > KEPT ? own.shift() : undefined
    if (oldest === undefined) return
    oldest.isGone = true
    await this.#client.expect(202, 'DELETE', `/v2/${name}/manifests/${oldest.image.digest}`)
    this.#result.deletes++
  }

  /** Pulls any image; that it fails is right only when it was deleted meanwhile. */
  async pull(): Promise<void> {
    const chosen = this.#random.pick(this.#pushed.flat())
    if (chosen === undefined) return pause(10)
    const begun = performance.now()
    try {
      await this.#client.pullsExactly(chosen.name, chosen.tag, chosen.image)
      this.#pullTimes.push(performance.now() - begun)
    } catch (error) {
      const isUnknown = error instanceof UnexpectedAnswer && error.answer.status === 404
      if (!chosen.isGone || !isUnknown) throw error
    }
  }

  async collect(): Promise<void> {
    const { status, report, text } = await collectOnce(this.#socket)
    if (status !== 200 || report === undefined) throw new Error(`gc: ${status} ${text}`)
    this.#result.collections++
    this.#result.blocks += report.blocks
    this.#result.bytes += report.bytes
  }

  /** Everything that was not deleted is there. */
  async verify(): Promise<void> {
    for (const { name, tag, image } of this.#pushed.flat())
      await this.repeat(Date.now() + 1, () => this.#client.pullsExactly(name, tag, image))
  }

  result(): SoakResult {
    return {
      pushes: this.#pushTimes.length,
      pulls: this.#pullTimes.length,
      ...this.#result,
      pushMs: median(this.#pushTimes),
      pullMs: median(this.#pullTimes),
    }
  }

  #image(): RandomManifest {
    const shared = this.#layers.filter(() => this.#random.next() < 0.25)
    const base = randomImage({ layers: [20_000] })
    const layers = [...base.blobs.slice(1), ...shared.map((bytes) => piece(bytes, LAYER))]
    const [config] = base.blobs
    if (config === undefined) throw new Error('an image has a config')
    const described = layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }))
    const manifest = JSON.parse(Buffer.from(base.bytes).toString('utf8')) as object
    const whole = piece(
      Buffer.from(JSON.stringify({ ...manifest, layers: described })),
      base.mediaType,
    )
    return { ...whole, blobs: [config, ...layers], subject: undefined }
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)
}

/** `npm run gc:soak -- [--seconds 30] [--clients 16] [--seed N] [--without-gc]`; ends with 1 when anything failed. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: String(SECONDS) },
      clients: { type: 'string', default: String(CLIENTS) },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      'without-gc': { type: 'boolean', default: false },
    },
  })
  const options = {
    seconds: Number(values.seconds),
    clients: Number(values.clients),
    seed: Number(values.seed),
    collects: !values['without-gc'],
  }
  const { failures, ...result } = await soak(options)
  const seen = { ...options, ...result, failed: failures.length }
  console.log(JSON.stringify(seen, null, 2))
  for (const failure of failures.slice(0, 20)) console.error(failure)
  return failures.length === 0 && (!options.collects || result.collections > 0) ? 0 : 1
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
