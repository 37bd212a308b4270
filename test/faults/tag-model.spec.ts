import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { tagged, pushBlobs } from '../support/registry-setup.ts'
import { randomImage } from '../support/random-image.ts'
import { openWorld } from './gc-world.ts'
import { SeededRandom } from './random.ts'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'
import type { TagPattern } from '../../src/oci/tag-pattern.ts'
import type { TagRule } from '../../src/registry/tag-rules.ts'
import type { GcWorld } from './gc-world.ts'

const PLAYS = Number(process.env['TAG_PLAYS'] ?? 4)
const STEPS = 60
const REPOSITORIES = ['team/a', 'team/b', 'free'].map(parseName)
const TAGS = ['v1', 'v2', 'v3', 'v10', 'n1', 'n2', 'latest', 'fixed-v1']

const rule = (repositories: string, tags: readonly string[], keep: number): TagRule => ({
  repositories: [repositories as RepositoryPattern],
  tags: tags as readonly TagPattern[],
  keep,
  olderThan: null,
})
const RULES = [rule('team/*', ['v*', '*-v1'], 2), rule('**', ['v1*', 'n*'], 1)]
/** The same, written down once more. */
const MEANT = [
  { repositories: /^team\/[^/]+$/, tags: /^(v.*|.*-v1)$/, keep: 2 },
  { repositories: /./, tags: /^(v1|n).*$/, keep: 1 },
]

/** What a tag points to, and since which step; `isKnown`: since it was pushed, else since it was found. */
interface Noted {
  readonly digest: string
  readonly order: number
  readonly isKnown: boolean
}

/** A registry's tags as they have to be. */
class TagModel {
  readonly tags = new Map<string, string>()
  readonly #noted = new Map<string, Noted>()
  readonly #roots = new Map<string, ReadonlyMap<string, string>>()
  #order = 0

  push(key: string, digest: string): void {
    if (this.tags.get(key) !== digest)
      this.#noted.set(key, { digest, order: ++this.#order, isKnown: true })
    this.tags.set(key, digest)
  }

  untag(key: string): void {
    this.tags.delete(key)
    this.#noted.delete(key)
  }

  removeManifest(name: string, digest: string): void {
    for (const [key, pointed] of this.tags)
      if (key.startsWith(`${name}:`) && pointed === digest) this.tags.delete(key)
  }

  remember(root: string): void {
    this.#roots.set(root, new Map(this.tags))
  }

  rollBack(root: string): void {
    this.tags.clear()
    for (const [key, digest] of this.#roots.get(root) ?? []) this.tags.set(key, digest)
  }

  forgetTimes(): void {
    this.#noted.clear()
  }

  /** @returns what goes */
  collect(): string[] {
    for (const key of this.#noted.keys()) if (!this.tags.has(key)) this.#noted.delete(key)
    const order = ++this.#order
    for (const [key, digest] of this.tags)
      if (this.#noted.get(key)?.digest !== digest)
        this.#noted.set(key, { digest, order, isKnown: false })
    const gone = [...this.tags.keys()].filter((key) => this.#goes(key))
    for (const key of gone) this.untag(key)
    return gone.toSorted()
  }

  #goes(key: string): boolean {
    const [name = '', tag = ''] = key.split(':')
    if (tag === 'fixed-v1') return false
    const rules = MEANT.filter((each) => each.repositories.test(name) && each.tags.test(tag))
    const newer = (tags: RegExp): number =>
      [...this.tags.keys()].filter((other) => {
        const [otherName = '', otherTag = ''] = other.split(':')
        const note = this.#noted.get(other)
        return (
          otherName === name &&
          tags.test(otherTag) &&
          note?.isKnown === true &&
          note.order > (this.#noted.get(key)?.order ?? 0)
        )
      }).length
    return rules.length > 0 && rules.every(({ tags, keep }) => newer(tags) >= keep)
  }
}

class Play {
  readonly model = new TagModel()
  readonly #world: GcWorld
  readonly #random: SeededRandom
  readonly #images = Array.from({ length: 6 }, () => randomImage())
  readonly #roots: string[] = []

  constructor(world: GcWorld, random: SeededRandom) {
    this.#world = world
    this.#random = random
  }

  async step(): Promise<void> {
    const dice = this.#random.next()
    const name = this.#pick(REPOSITORIES)
    if (dice < 0.6) await this.#push(name)
    else if (dice < 0.68) await this.#untag(name)
    else if (dice < 0.74) await this.#removeManifest(name)
    else if (dice < 0.8) await this.#rollBack()
    else if (dice < 0.82) await this.#forgetTimes()
    else await this.#collect()
    const { lane } = this.#world.storage
    const root = lane.root.toString()
    if (!lane.isNew && this.#roots.at(-1) !== root) this.#roots.push(root)
    this.model.remember(root)
    await this.#check()
  }

  async #push(name: RepositoryName): Promise<void> {
    const [image, tag] = [this.#pick(this.#images), this.#pick(TAGS)]
    const { service } = this.#world
    await pushBlobs(service, image.blobs, name)
    await service.putManifest(name, tagged(parseTag(tag)), image.bytes, image.mediaType)
    this.model.push(`${name}:${tag}`, image.digest)
  }

  async #untag(name: RepositoryName): Promise<void> {
    const tag = this.#pick(TAGS)
    if (!this.model.tags.has(`${name}:${tag}`)) return
    await this.#world.service.deleteManifest(name, tagged(parseTag(tag)))
    this.model.untag(`${name}:${tag}`)
  }

  async #removeManifest(name: RepositoryName): Promise<void> {
    const { digest } = this.#pick(this.#images)
    await this.#world.storage.lane.transact((tx) => tx.removeManifest(name, digest))
    this.model.removeManifest(name, digest)
  }

  async #rollBack(): Promise<void> {
    if (this.#roots.length === 0) return
    const root = await this.#world.storage.history.roots(this.#pick(this.#roots))
    await this.#world.storage.lane.restore(root)
    this.model.rollBack(root.public.toString())
  }

  /** What the notes and the journal know is lost. */
  async #forgetTimes(): Promise<void> {
    await this.#collect() // reads the journal to its end
    const { state } = this.#world.storage
    for (const key of await state.keys(Buffer.from('tt/'), { after: undefined, limit: 1000 }))
      await state.write([{ key, value: undefined }])
    this.model.forgetTimes()
  }

  async #collect(): Promise<void> {
    const { collector } = this.#world
    const dry = await collector.collect({ dryRun: true })
    const report = await collector.collect({ dryRun: false })
    const gone = this.model.collect()
    assert.deepEqual(dry.tagNames.toSorted(), gone)
    assert.equal(report.tags, gone.length)
  }

  async #check(): Promise<void> {
    const there: string[] = []
    const reader = this.#world.storage.source.reader()
    for (const name of REPOSITORIES)
      for (const tag of (await reader?.tags(name)) ?? []) {
        const digest = await reader?.resolveTag(name, parseTag(tag))
        there.push(`${name}:${tag} ${digest}`)
      }
    const meant = [...this.model.tags].map(([key, digest]) => `${key} ${digest}`)
    assert.deepEqual(there.toSorted(), meant.toSorted())
  }

  #pick<T>(list: readonly T[]): T {
    const one = this.#random.pick(list)
    if (one === undefined) throw new Error('nothing to pick from')
    return one
  }
}

describe('the tags of a registry with rules', () => {
  for (let seed = 1; seed <= PLAYS; seed++)
    it(`are those of a model, whatever was pushed, deleted, rolled back and forgotten (seed ${seed})`, async () => {
      const random = new SeededRandom(seed)
      await using world = await openWorld(random, {
        waits: false,
        tags: RULES,
        keepFor: 1e12,
        isImmutable: (_, tag) => tag === 'fixed-v1',
      })
      const play = new Play(world, random)
      for (let step = 0; step < STEPS; step++) await play.step()
    })
})
