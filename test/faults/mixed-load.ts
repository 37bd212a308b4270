import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { PUSH_MODES, UnexpectedAnswer } from '../support/client.ts'
import { piece, randomImage, withLayer } from '../support/random-image.ts'
import { OpenUploads } from './open-uploads.ts'
import { RepositoryModel } from './repository-model.ts'
import { SeededRandom } from './random.ts'
import type { ClientAnswer, RegistryClient } from '../support/client.ts'
import type { RandomManifest } from '../support/random-image.ts'

const TAGS = ['latest', 'v1', 'v2', 'v3']

/** A layer that every writer pushes: one block of the store that all of them write at once. */
const SHARED = piece(randomBytes(1_100_000), 'application/vnd.oci.image.layer.v1.tar')

/** One write of the tag that all writers fight for. */
interface HotWrite {
  readonly image: RandomManifest
  readonly begun: number
  /** When it was acknowledged; `Infinity` if it never was. */
  ended: number
}

/** How a load goes on. */
export interface LoadOptions {
  /** Ends it; else it goes on until the registry is gone. */
  until?: AbortSignal
  /** Whether a good client may be told this now: the registry has a fault. Then the writer goes on with something else. */
  excuse?: (answer: ClientAnswer) => boolean
}

/**
 * Writers that push, tag, mount and delete, and upload in chunks that outlive the registry, each in a repository of its own, and all of them at one tag of a shared one.
 * {@link run} goes on until the registry is gone; {@link verify} pulls everything back.
 */
export class MixedLoad {
  readonly #random: SeededRandom
  readonly #models: RepositoryModel[]
  readonly #uploads: OpenUploads[]
  readonly #hot: HotWrite[] = []

  constructor(writers: number, seed: number) {
    this.#random = new SeededRandom(seed)
    this.#models = Array.from({ length: writers }, (_, n) => new RepositoryModel(`load/w${n}`))
    this.#uploads = this.#models.map(({ name }) => new OpenUploads(name))
  }

  get acknowledged(): number {
    return this.#models.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  }

  /** Writes. @throws what is not a broken connection, and not excused: a good client is never refused */
  async run(client: RegistryClient, options: LoadOptions = {}): Promise<void> {
    await Promise.all(
      this.#models.map((_, writer) => untilCut(() => this.#step(client, writer), options)),
    )
  }

  /** @throws AssertionError when something acknowledged is lost, or something is there in part */
  async verify(client: RegistryClient): Promise<void> {
    await Promise.all(this.#models.map((model) => model.verify(client)))
    await Promise.all(this.#uploads.map((upload) => upload.verify(client)))
    await this.#verifyHot(client)
  }

  async #step(client: RegistryClient, writer: number): Promise<void> {
    const random = this.#random
    const model = this.#models[writer] ?? assert.fail()
    const mode = random.pick(PUSH_MODES) ?? 'put'
    const tag = random.pick(TAGS) ?? 'latest'
    const known = random.pick(model.manifests)
    const blob = random.pick(model.loneBlobs)
    const dice = random.next()
    if (dice < 0.35 || known === undefined)
      return model.pushImage(client, this.#image(), { tag, mode })
    if (dice < 0.5) return model.setTag(client, known, tag)
    if (dice < 0.6) return void (await model.deleteTag(client, tag))
    if (dice < 0.68) return model.deleteManifest(client, known)
    if (dice < 0.78) return model.pushBlob(client, randomBytes(random.between(0, 40_000)), mode)
    if (dice < 0.84 && blob !== undefined) return model.deleteBlob(client, blob)
    if (dice < 0.92) return this.#upload(client, writer, model)
    if (dice < 0.95) return this.#mount(client, model)
    return this.#writeHot(client)
  }

  async #upload(client: RegistryClient, writer: number, model: RepositoryModel): Promise<void> {
    const content = await this.#uploads[writer]?.step(client, this.#random)
    if (content !== undefined) model.notePushed(content)
  }

  /** From the one repository where nothing is deleted. */
  async #mount(client: RegistryClient, model: RepositoryModel): Promise<void> {
    const written = this.#random.pick(this.#hot.filter(({ ended }) => ended < Infinity))
    const blob = written?.image.blobs[0]
    if (blob !== undefined) await model.mountBlob(client, blob.bytes, 'load/hot')
  }

  #image(): RandomManifest {
    const image = randomImage({ layers: [this.#random.between(1, 60_000)] })
    return this.#random.next() < 0.4 ? withLayer(image, SHARED) : image
  }

  async #writeHot(client: RegistryClient): Promise<void> {
    const image = randomImage({ layers: [100] })
    for (const blob of image.blobs) await client.pushBlob('load/hot', blob.bytes)
    const write = { image, begun: performance.now(), ended: Infinity }
    this.#hot.push(write)
    await client.putManifest('load/hot', 'hot', image)
    write.ended = performance.now()
  }

  /** The tag is one of those that were written, and none that another acknowledged write came after. */
  async #verifyHot(client: RegistryClient): Promise<void> {
    const acknowledged = this.#hot.filter(({ ended }) => ended < Infinity)
    const actual = await client.digestOf('load/hot', 'hot')
    if (actual === undefined) {
      if (acknowledged.length > 0) throw new Error('the tag that all write to is gone')
      return
    }
    const write = this.#hot.find(({ image }) => image.digest === actual)
    if (write === undefined) throw new Error(`the tag is ${actual}, which nobody wrote`)
    const later = acknowledged.find(({ begun }) => begun > write.ended)
    if (later !== undefined)
      throw new Error(`the tag is ${actual}, and ${later.image.digest} was written after it`)
    await client.pullsExactly('load/hot', 'hot', write.image)
    for (const { image } of acknowledged) await client.pullsExactly('load/hot', image.digest, image)
    // What was in flight may not come later: the next cycle is judged from here.
    write.ended = Math.min(write.ended, performance.now())
  }
}

/** Does something again and again until the registry does not answer any more, or it is enough. */
async function untilCut(step: () => Promise<void>, { until, excuse }: LoadOptions): Promise<void> {
  while (until?.aborted !== true) {
    try {
      await step()
    } catch (error) {
      if (error instanceof TypeError && isCut(error)) return
      if (error instanceof UnexpectedAnswer && excuse?.(error.answer) === true) continue
      throw error
    }
  }
}

/** What fetch throws when the other side is gone. */
function isCut(error: TypeError): boolean {
  return error.message === 'fetch failed' || error.message === 'terminated'
}
