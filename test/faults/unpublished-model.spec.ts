import assert from 'node:assert/strict'
import { pino } from 'pino'
import { arranged } from '../../src/daemon/arrangement.ts'
import { rollback } from '../../src/daemon/rollback.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { PublishRules } from '../../src/oci/publish-rules.ts'
import { newBlocks } from '../../src/tree/reach.ts'
import { randomImage, store } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { LEASE, openWorld } from './gc-world.ts'
import { SeededRandom } from './random.ts'
import type { CID } from 'multiformats/cid'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { GcWorld } from './gc-world.ts'

const NAMES = ['a', 'a/b', 'b', 'c/d'].map(parseName)
const TAG = parseTag('v1')
const STEPS = 30
const log = pino({ level: 'silent' })

type Model = Map<RepositoryName, RandomManifest>

function randomRules(random: SeededRandom): PublishRules {
  const hidden = NAMES.filter(() => random.next() < 0.4)
  return new PublishRules(
    hidden.map((name) => ({ match: [name as string as RepositoryPattern], publish: false })),
  )
}

function tree(world: GcWorld, root: CID): AsyncGenerator<CID> {
  return newBlocks((cid) => world.storage.directories.source.get(cid), root, undefined)
}

/**
 * @param isClean whether nothing was deleted since the last collection: then what is only linked in hidden repositories
 * is in no published tree, and given to nobody
 */
async function check(
  world: GcWorld,
  model: Model,
  { isClean, once }: { isClean: boolean; once: Set<string> },
): Promise<void> {
  const { lane, blocks, source } = world.storage
  const reader = source.reader() ?? assert.fail()
  assert.deepEqual(await reader.repositories(), [...model.keys()].toSorted())
  for (const [name, image] of model) {
    assert.equal(await reader.resolveTag(name, TAG), image.digest)
    for (const { digest } of [image, ...image.blobs]) {
      const content = (await reader.blob(name, digest)) ?? assert.fail(`${name} ${digest}`)
      assert.equal(digestOf(Buffer.concat(await Array.fromAsync(content.open()))), digest)
    }
  }
  const roots = lane.roots
  const open = new Set<string>()
  for await (const cid of tree(world, roots.public)) {
    open.add(Buffer.from(cid.multihash.digest).toString('hex'))
    if (!lane.isNew) assert.equal(await blocks.isLinked(cid), true, `${cid} is published`)
  }
  for (const hex of open) once.add(hex)
  const shared = new Set<string>()
  for (const [name, image] of model) {
    if (!world.rules.isPublished(name)) continue
    for (const { digest } of [image, ...image.blobs]) shared.add(digest.slice('sha256:'.length))
  }
  if (!isClean) return
  for (const [name, image] of model) {
    if (world.rules.isPublished(name)) continue
    for (const { digest } of [image, ...image.blobs]) {
      const hex = digest.slice('sha256:'.length)
      assert.equal(open.has(hex), shared.has(hex), `${name} ${digest}`)
    }
  }
  if (roots.private === undefined) return
  for await (const cid of tree(world, roots.private)) {
    const isOpen = open.has(Buffer.from(cid.multihash.digest).toString('hex'))
    if (!isOpen && !once.has(Buffer.from(cid.multihash.digest).toString('hex')))
      assert.equal(await blocks.isLinked(cid), false, `${cid} is hidden`)
  }
}

async function play(seed: number): Promise<void> {
  const random = new SeededRandom(seed)
  await using directory = await temporaryDirectory()
  const data = directory.path
  const open = async (rules: PublishRules): Promise<GcWorld> => {
    const opened = await openWorld(random, { waits: false, data, rules })
    await arranged(opened.storage, rules, { log, signal: new AbortController().signal })
    return opened
  }
  let world = await open(randomRules(random))
  let model: Model = new Map()
  let isClean = true
  /** Blocks that were published since the last collection. */
  const once = new Set<string>()
  const images: RandomManifest[] = []
  let past = new Map<string, Model>()
  try {
    for (let step = 0; step < STEPS; step++) {
      const { lane, contents } = world.storage
      const name = random.pick(NAMES) ?? assert.fail()
      const what = random.between(0, 10)
      if (what < 5) {
        const known = random.next() < 0.4 ? random.pick(images) : undefined
        const image = known ?? randomImage()
        images.push(image)
        // What it replaces may still be in the tree, as history of the tag.
        if (model.has(name))
          await lane.transact(async (tx) => void (await tx.removeRepository(name)))
        if (model.delete(name)) isClean = false
        await store({ writer: lane, content: contents }, name, image, TAG)
        model.set(name, image)
      } else if (what < 6) {
        await lane.transact(async (tx) => void (await tx.removeRepository(name)))
        if (model.delete(name)) isClean = false
      } else if (what < 8) {
        const rules = random.next() < 0.7 ? randomRules(random) : world.rules
        await world[Symbol.asyncDispose]()
        world = await open(rules)
      } else if (what < 9) {
        world.pass(10 * LEASE)
        await world.collector.collect({ dryRun: false })
        past = new Map()
        isClean = true
        once.clear()
      } else {
        const target = random.pick([...past.keys()])
        if (target !== undefined) {
          const parts = { ...world.storage, isReadOnly: false }
          await Array.fromAsync(rollback(parts, target, { dryRun: false }))
          model = new Map(past.get(target))
          isClean = false
        }
      }
      const [newest] = await Array.fromAsync(world.storage.journal.entries({ limit: 1 }))
      if (newest !== undefined) past.set(String(newest.sequence), new Map(model))
      await check(world, model, { isClean, once })
    }
  } finally {
    await world[Symbol.asyncDispose]()
  }
}

describe('repositories that are published and some that are not, at random', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`are all read, and what is hidden is given to nobody (seed ${seed})`, () => play(seed))
  }
})
