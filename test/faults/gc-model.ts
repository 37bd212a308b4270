import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { collect, descriptorOf, jsonPiece, piece, streamOf } from '../support/random-image.ts'
import { byDigest, tagged } from '../support/registry-setup.ts'
import { LEASE, openWorld } from './gc-world.ts'
import { SeededRandom } from './random.ts'
import type { Tag } from '../../src/oci/name.ts'
import type { Piece, RandomManifest } from '../support/random-image.ts'
import type { GcWorld, Without } from './gc-world.ts'

const REPOSITORIES = ['a', 'b/c'].map(parseName)
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
/** Everybody's images are made of these few, so that what one deletes another is just pushing: files, and small blocks. */
const LAYERS: readonly Piece[] = [40_000, 30_000, 1_200_000, 700, 500, 300].map((size) =>
  piece(randomBytes(size), LAYER),
)

const SLOW_BYTES = 1_048_576 + 1000

/** One client, with a tag and images of its own. */
interface Actor {
  readonly tag: Tag
  readonly name: (typeof REPOSITORIES)[number]
  /** What its tag points to, as far as the registry has acknowledged it. */
  image: RandomManifest | undefined
}

/**
 * Clients that push, mount, tag, delete, pull and give up, with collections beside them all the time. What they check: no
 * push fails, what was acknowledged can be pulled, and nobody is told that a block is missing.
 */
export class GcModel {
  readonly #random: SeededRandom
  readonly #actors: readonly Actor[]
  readonly #world: GcWorld
  #isCollecting = false
  collections = 0
  deleted = 0

  constructor(world: GcWorld, random: SeededRandom, actors = 6) {
    this.#world = world
    this.#random = random
    this.#actors = Array.from({ length: actors }, (_, n) => ({
      tag: parseTag(`t${n}`),
      name: REPOSITORIES[n % REPOSITORIES.length] ?? parseName('a'),
      image: undefined,
    }))
  }

  /** Some steps of everybody, with collections beside them; then time goes by, and what nobody needs has to go. */
  async round(steps: number): Promise<void> {
    const over = new AbortController()
    const collecting = this.#collectUntil(over.signal)
    const acting = this.#actors.map((actor) => this.#act(actor, steps))
    try {
      await Promise.all([Promise.race([Promise.all(acting), collecting]), Promise.all(acting)])
    } finally {
      over.abort()
      await Promise.allSettled(acting)
      await collecting
    }
    this.#world.pass(2 * LEASE)
    await this.#collect()
    await this.verify()
  }

  /** Everything that was acknowledged can be pulled, byte for byte. */
  async verify(): Promise<void> {
    for (const actor of this.#actors) await this.#pull(actor)
  }

  async #act(actor: Actor, steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const dice = this.#random.next()
      if (dice < 0.5) await this.#push(actor)
      else if (dice < 0.65) await this.#deleteImage(actor)
      else if (dice < 0.75) await this.#giveUp(actor)
      else if (dice < 0.85) await this.#readThePast(actor)
      else await this.#pull(actor)
    }
  }

  async #collectUntil(over: AbortSignal): Promise<void> {
    this.#isCollecting = true
    try {
      while (!over.aborted) await this.#collect()
    } finally {
      this.#isCollecting = false
    }
  }

  async #collect(): Promise<void> {
    const report = await this.#world.collector.collect({ dryRun: false })
    this.collections++
    this.deleted += report.blocks
    // So little that no lease ends within a round.
    if (this.collections % 10 === 0) this.#world.pass(1)
  }

  #image(): RandomManifest {
    const config = jsonPiece({ os: 'linux', x: this.#random.next() }, 'application/json')
    const layers = LAYERS.filter(() => this.#random.next() < 0.5)
    // One leaf that only this image has, and a little more.
    if (this.#random.next() < 0.1) layers.push(piece(randomBytes(SLOW_BYTES), LAYER))
    const body = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptorOf(config),
      layers: layers.map(descriptorOf),
    }
    const manifest = jsonPiece(body, body.mediaType)
    return { ...manifest, blobs: [config, ...layers], subject: undefined }
  }

  /** As clients do: what is there is not sent again. */
  async #push(actor: Actor): Promise<void> {
    const { service } = this.#world
    const image = this.#image()
    for (const blob of image.blobs) await this.#bring(actor, blob)
    await service.putManifest(actor.name, tagged(actor.tag), image.bytes, image.mediaType)
    actor.image = image
  }

  async #bring({ name }: Actor, { digest, bytes }: Piece): Promise<void> {
    const { service } = this.#world
    if (await isThere(() => service.getBlob(name, digest))) return
    if (this.#random.next() < 0.5 && (await service.mountBlob(name, digest, undefined))) return
    const { id } = await service.uploads.create(name)
    await service.uploads.append(name, id, { source: this.#send(bytes) })
    await service.uploads.finish(name, id, digest, undefined)
  }

  /** Slow is: whole collections pass while the request is under way. */
  async *#send(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    const isSlow = bytes.length === SLOW_BYTES
    const cut = bytes.length - 10
    yield bytes.subarray(0, cut)
    const end = this.collections + 2
    while (isSlow && this.#isCollecting && this.collections < end) await setImmediate()
    yield bytes.subarray(cut)
  }

  async #deleteImage(actor: Actor): Promise<void> {
    const { image, name } = actor
    if (image === undefined) return
    actor.image = undefined
    await this.#world.service.deleteManifest(name, byDigest(image.digest))
  }

  async #giveUp({ name }: Actor): Promise<void> {
    const { uploads } = this.#world.service
    const { bytes } = this.#random.pick(LAYERS) ?? piece(randomBytes(10), LAYER)
    const { id } = await uploads.create(name)
    await uploads.append(name, id, { source: streamOf(bytes) })
    await uploads.cancel(name, id)
  }

  /** A root that is kept no longer is said to be so; one that is there is there as a whole. */
  async #readThePast({ name }: Actor): Promise<void> {
    const { service, storage } = this.#world
    const root = storage.lane.root.toString()
    const past = parseName(`at/${root}/${name}`)
    const tags = await service.listTags(past, {}).catch(expectUnknown)
    for (const text of tags?.names ?? []) {
      const tag = tagged(parseTag(text))
      const manifest = await service.getManifest(past, tag).catch(expectUnknown)
      if (manifest === undefined) return
    }
  }

  async #pull({ image, name, tag }: Actor): Promise<void> {
    const { service } = this.#world
    if (image === undefined) return
    const manifest = await service.getManifest(name, tagged(tag))
    assert.equal(manifest.digest, image.digest)
    for (const { digest, bytes } of image.blobs) {
      const blob = await service.getBlob(name, digest)
      assert.ok(Buffer.from(await collect(blob.open())).equals(bytes))
    }
  }
}

async function isThere(look: () => Promise<unknown>): Promise<boolean> {
  return (await look().catch(expectUnknown)) !== undefined
}

/** @throws whatever is not "unknown" */
function expectUnknown(error: unknown): undefined {
  const codes = ['BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN'] as const
  if (!codes.some((code) => isRegistryError(error, code))) throw error
}

/**
 * Plays some rounds.
 *
 * @returns how many collections there were, and how many blocks they deleted
 * @throws what a client must never see
 */
export async function play(
  seed: number,
  { rounds = 2, steps = 6, without }: { rounds?: number; steps?: number; without?: Without } = {},
): Promise<{ collections: number; deleted: number }> {
  const random = new SeededRandom(seed)
  await using world = await openWorld(random, { without })
  const model = new GcModel(world, random)
  for (let round = 0; round < rounds; round++) await model.round(steps)
  const { collections, deleted } = model
  return { collections, deleted }
}
