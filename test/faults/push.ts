import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { UnexpectedAnswer } from '../support/client.ts'
import { jsonPiece, randomImage } from '../support/random-image.ts'
import { RepositoryModel } from './repository-model.ts'
import type { RegistryClient } from '../support/client.ts'
import type { RandomManifest } from '../support/random-image.ts'

/** What a registry may say whose disk fails. */
const REFUSALS: ReadonlySet<number> = new Set([503, 507])

/** A repository into which an image is pushed in every way, read, mounted, and of which parts are deleted again. */
export class Push {
  readonly #model: RepositoryModel
  readonly #other: RepositoryModel
  readonly #image = largeManifest()
  /** Statuses of the answers that were not what they would be without a fault. */
  readonly refusals: number[] = []

  constructor(name: string) {
    this.#model = new RepositoryModel(name)
    this.#other = new RepositoryModel(`${name}-mounted`)
  }

  get acknowledged(): number {
    return this.#model.acknowledged + this.#other.acknowledged
  }

  /** @throws AssertionError when an answer is none that a failing disk explains */
  async run(client: RegistryClient): Promise<void> {
    const model = this.#model
    const [layer, config] = [
      this.#image.blobs[0] ?? assert.fail(),
      this.#image.blobs[1] ?? assert.fail(),
    ]
    const lone = randomBytes(30_000)
    const pushed = [
      await this.#try(() => model.pushBlob(client, layer.bytes, 'chunks')),
      await this.#try(() => model.pushBlob(client, config.bytes, 'post')),
      await this.#try(() => model.pushBlob(client, lone, 'stream')),
    ]
    if (pushed[0]) {
      await this.#read(client, layer.digest, layer.bytes)
      await this.#try(() => this.#other.mountBlob(client, layer.bytes, model.name))
    }
    if (pushed[0] && pushed[1]) {
      const isTagged = await this.#try(() => model.setTag(client, this.#image, 'v1'))
      await this.#try(() => model.setTag(client, this.#image, 'v2'))
      if (isTagged) await this.#try(() => client.manifest(model.name, 'v1'))
      if (isTagged) await this.#try(() => model.deleteTag(client, 'v1'))
    }
    for (const digest of model.loneBlobs) await this.#try(() => model.deleteBlob(client, digest))
  }

  /** Whether the registry takes a push. */
  async isAccepted(client: RegistryClient): Promise<boolean> {
    return this.#try(() => this.#model.pushBlob(client, randomBytes(100), 'put'))
  }

  async verify(client: RegistryClient, state: { isStopped?: boolean } = {}): Promise<void> {
    await this.#model.verify(client, state)
    await this.#other.verify(client, state)
  }

  async #read(client: RegistryClient, digest: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#try(async () =>
        assert.ok((await client.blob(this.#model.name, digest)).equals(bytes)),
      )
    } catch (error) {
      if (!(error instanceof TypeError)) throw error // cut off, so no client takes it for whole
    }
  }

  async #try(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call()
      return true
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw error
      const { status, code } = error.answer
      assert.ok(REFUSALS.has(status), error.message)
      assert.equal(code(), status === 507 ? 'INSUFFICIENT_STORAGE' : 'UNAVAILABLE')
      this.refusals.push(status)
      return false
    }
  }
}

/** An image whose manifest is too large for the state database, and whose layer has two leaves. */
function largeManifest(): RandomManifest {
  const image = randomImage({ layers: [1_200_000] })
  const body = JSON.parse(Buffer.from(image.bytes).toString()) as object
  const annotations = { filler: randomBytes(20_000).toString('hex') }
  return { ...image, ...jsonPiece({ ...body, annotations }, image.mediaType) }
}
