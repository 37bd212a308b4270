import { randomBytes } from 'node:crypto'
import { PUSH_MODES } from '../support/client.ts'
import { descriptorOf, indexOf, piece, randomImage, withLayer } from '../support/random-image.ts'
import { KEPT, SECRET } from './names.ts'
import type { RegistryClient } from '../support/client.ts'
import type { Piece, RandomManifest } from '../support/random-image.ts'
import type { Kept } from './world.ts'

/** What is pushed before the fuzzing begins: after it, every byte must be there. */
export class KeptImages {
  readonly #images: readonly RandomManifest[]
  readonly #index: RandomManifest
  readonly #lone: Piece
  readonly #secret = randomImage({ layers: [300, 17_000] })

  constructor() {
    const first = randomImage({ layers: [1_500_000, 20_000] })
    const referrer = randomImage({ layers: [10], subject: descriptorOf(first) })
    this.#images = [first, referrer, randomImage({ layers: [1, 16_384] })]
    this.#index = indexOf(this.#images)
    this.#lone = piece(randomBytes(5000), 'application/octet-stream')
  }

  /** Pushes them, in every way that the specification has. */
  async push(client: RegistryClient): Promise<Kept> {
    for (const [n, image] of this.#images.entries())
      await client.pushImage(KEPT, image, { tag: `v${n}`, mode: PUSH_MODES[n] ?? 'put' })
    await client.pushImage(KEPT, this.#index, { tag: 'latest' })
    await client.pushBlob(KEPT, this.#lone.bytes, { mode: 'chunks' })
    // What nothing refers to stays for a lease and no longer.
    await client.pushImage(KEPT, withLayer(randomImage({ layers: [10] }), this.#lone), {
      tag: 'lone',
    })
    await client.pushImage(SECRET, this.#secret, { tag: 'v1' })
    const manifests = [...this.#images, this.#index].map(descriptorOf)
    const blobs = this.#images.flatMap(({ blobs: parts }) => parts.map(({ digest }) => digest))
    return {
      repository: KEPT,
      secrets: this.#secretDigests(),
      manifests,
      blobs: [...blobs, this.#lone.digest],
    }
  }

  /** Pulls all of it and compares every byte. @throws when one is missing or another */
  async verify(client: RegistryClient): Promise<void> {
    for (const [n, image] of this.#images.entries()) await client.pullsExactly(KEPT, `v${n}`, image)
    await client.pullsExactly(KEPT, 'latest', this.#index)
    await client.pullsExactly(SECRET, 'v1', this.#secret)
    const lone = await client.blob(KEPT, this.#lone.digest)
    if (!lone.equals(this.#lone.bytes)) throw new Error('the lone blob has other bytes')
    const [first, referrer] = this.#images
    const { manifests } = await client.referrers(KEPT, first?.digest ?? '')
    if (!manifests.some(({ digest }) => digest === referrer?.digest))
      throw new Error('the referrer is not listed')
  }

  #secretDigests(): ReadonlySet<string> {
    return new Set([this.#secret, ...this.#secret.blobs].map(({ digest }) => digest))
  }
}

/** How many images the honest client keeps at once. */
const TAGS = 5

/**
 * A client that does everything right while the others do not: it pushes images and pulls them back, byte for byte.
 * Every answer that is not what the specification promises is a failure.
 */
export class HonestClient {
  readonly #client: RegistryClient
  readonly #images = new Map<string, RandomManifest>()
  #rounds = 0

  constructor(client: RegistryClient) {
    this.#client = client
  }

  /** A push under a tag, the delete of what the tag had, a pull of all. Returns how many requests that were, about. */
  async round(): Promise<number> {
    const tag = `v${this.#rounds++ % TAGS}`
    const image = randomImage({ layers: [this.#rounds % 7 === 0 ? 1_100_000 : 3000, 40] })
    const mode = PUSH_MODES[this.#rounds % PUSH_MODES.length] ?? 'put'
    await this.#client.pushImage(HONEST, image, { tag, mode })
    const before = this.#images.get(tag)
    this.#images.set(tag, image)
    if (before !== undefined)
      await this.#client.expect(202, 'DELETE', `/v2/${HONEST}/manifests/${before.digest}`)
    await this.verify()
    return 10 + this.#images.size * 4
  }

  /** Pulls everything it has pushed and not deleted. */
  async verify(): Promise<void> {
    for (const [tag, image] of this.#images) await this.#client.pullsExactly(HONEST, tag, image)
  }
}

const HONEST = 'honest/images'
