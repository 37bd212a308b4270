import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { LEASE, openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { descriptorOf, randomImage } from '../support/random-image.ts'
import { pushBlobs, tagged } from '../support/registry-setup.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'
import type { TagPattern } from '../../src/oci/tag-pattern.ts'
import type { TagRule } from '../../src/registry/tag-rules.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { GcWorld, WorldOptions } from '../faults/gc-world.ts'

const app = parseName('team/app')
const DAY = 86_400_000

function rule(tags: string, keep: number, more: Partial<TagRule> = {}): TagRule {
  return {
    repositories: ['**' as RepositoryPattern],
    tags: [tags as TagPattern],
    keep,
    olderThan: null,
    ...more,
  }
}

function open(options: WorldOptions): Promise<GcWorld> {
  return openWorld(new SeededRandom(1), { waits: false, ...options })
}

async function push(
  { service }: GcWorld,
  tag: string,
  image = randomImage(),
): Promise<RandomManifest> {
  await pushBlobs(service, image.blobs, app)
  await service.putManifest(app, tagged(parseTag(tag)), image.bytes, image.mediaType)
  return image
}

async function pushAll(world: GcWorld, ...tags: string[]): Promise<void> {
  for (const tag of tags) await push(world, tag)
}

function tagsOf({ storage }: GcWorld): Promise<string[] | undefined> {
  return storage.source.reader()?.tags(app) ?? Promise.resolve(undefined)
}

const collect = ({ collector }: GcWorld, dryRun = false) => collector.collect({ dryRun })

/** As if the times had never been known: a restored key, or a registry from before there were rules. */
async function forgetTimes({ storage: { state } }: GcWorld): Promise<void> {
  for (const prefix of ['tt/', 'tc/'])
    for (const key of await state.keys(Buffer.from(prefix), { after: undefined, limit: 1000 }))
      await state.write([{ key, value: undefined }])
}

describe('rules of which tags are kept', () => {
  it('keep the newest by their last push, and every tag that no rule is about', async () => {
    await using gc = await open({ tags: [rule('v*', 2)] })
    await pushAll(gc, 'v1', 'v2', 'latest', 'v3', 'v1')
    const dry = await collect(gc, true)
    assert.deepEqual([dry.tags, dry.tagNames], [1, ['team/app:v2']])
    assert.deepEqual(await tagsOf(gc), ['latest', 'v1', 'v2', 'v3'])
    const { tags, tagNames } = await collect(gc)
    assert.deepEqual([tags, tagNames], [1, []])
    assert.deepEqual(await tagsOf(gc), ['latest', 'v1', 'v3'])
    const [commit] = await Array.fromAsync(gc.storage.history.commits({ limit: 1 }))
    assert.deepEqual(commit?.changes, [{ action: 'untag', name: app, tag: 'v2' }])
  })

  it('keep what any of them keeps', async () => {
    await using gc = await open({ tags: [rule('*', 1), rule('v*', 2)] })
    await pushAll(gc, 'v1', 'v2', 'v3', 'other')
    await collect(gc)
    assert.deepEqual(await tagsOf(gc), ['other', 'v2', 'v3'])
  })

  it('with an age take only what is older', async () => {
    await using gc = await open({ tags: [rule('*', 0, { olderThan: 3 * DAY })] })
    await pushAll(gc, 'v1')
    await collect(gc)
    assert.deepEqual(await tagsOf(gc), ['v1'])
    gc.pass(3 * DAY)
    await collect(gc)
    assert.deepEqual(await tagsOf(gc), [])
  })

  it('never take what is immutable', async () => {
    await using gc = await open({ tags: [rule('*', 1)], isImmutable: (_, tag) => tag === 'v1' })
    await pushAll(gc, 'v1', 'v2', 'v3')
    await collect(gc)
    assert.deepEqual(await tagsOf(gc), ['v1', 'v3'])
  })

  it('leave alone what was pushed while they looked, even to the same manifest', async () => {
    await using gc = await open({ tags: [rule('*', 1)] })
    const image = await push(gc, 'v1')
    await pushAll(gc, 'v2')
    const { lane } = gc.storage
    const { transact } = lane
    let isPushed = false
    lane.transact = async (edit, options) => {
      if (edit.toString().includes('removeTag') && !isPushed) {
        isPushed = true
        await pushAll(gc, 'v1')
        await push(gc, 'v1', image)
      }
      return transact.call(lane, edit, options) as never
    }
    await collect(gc)
    assert.ok(isPushed)
    assert.deepEqual(await tagsOf(gc), ['v1'])
  })

  it('do not count tags that stand beside a manifest, which follow it', async () => {
    await using gc = await open({ tags: [rule('*', 1)], untagged: 0 })
    const images = [await push(gc, 'v1'), await push(gc, 'v2')]
    const beside = images.map(({ digest }) => digest.replace(':', '-'))
    for (const [n, text] of beside.entries()) {
      await push(gc, `${text}.sig`)
      const subject = images[n]
      if (subject !== undefined)
        await push(gc, text, randomImage({ subject: descriptorOf(subject) }))
    }
    await push(gc, `sha256-${'0'.repeat(64)}.sig`) // of what is not here
    gc.pass(2 * LEASE)
    for (let n = 0; n < 3; n++) await collect(gc)
    const kept: string[] = [
      `${beside[1]}`,
      `${beside[1]}.sig`,
      `sha256-${'0'.repeat(64)}.sig`,
      'v2',
    ]
    assert.deepEqual(await tagsOf(gc), kept.toSorted())
  })
})

describe('when tags were pushed', () => {
  it('is noted before commits are forgotten, also when the tree is left alone', async () => {
    await using gc = await open({ tags: [rule('*', 1)] })
    await pushAll(gc, 'v2', 'v1')
    Object.defineProperty(gc.leases, 'allFor', { value: 1000, configurable: true })
    assert.ok((await collect(gc)).commits > 0)
    assert.deepEqual(await tagsOf(gc), ['v1', 'v2'])
    Object.defineProperty(gc.leases, 'allFor', { value: 0 })
    await collect(gc)
    assert.deepEqual(await tagsOf(gc), ['v1'])
  })

  it('may be unknown: such tags stay until enough others were pushed after them, and displace nothing', async () => {
    await using gc = await open({ tags: [rule('*', 2)], isImmutable: () => isHeld })
    let isHeld = true
    await pushAll(gc, 'a', 'b', 'c')
    await collect(gc) // forgets the commits
    await forgetTimes(gc)
    isHeld = false
    for (let n = 0; n < 2; n++) assert.equal((await collect(gc)).tags, 0)
    await pushAll(gc, 'd')
    assert.equal((await collect(gc)).tags, 0)
    await pushAll(gc, 'e')
    assert.equal((await collect(gc)).tags, 3)
    assert.deepEqual(await tagsOf(gc), ['d', 'e'])
  })

  it('counts anew for what a rollback brought back', async () => {
    await using gc = await open({ tags: [rule('*', 1)], keepFor: 100 * DAY })
    await pushAll(gc, 'v1', 'v2')
    const before = gc.storage.lane.root
    await collect(gc)
    assert.deepEqual(await tagsOf(gc), ['v2'])
    await gc.storage.lane.restore({ public: before, private: undefined })
    for (let n = 0; n < 2; n++) assert.equal((await collect(gc)).tags, 0)
    assert.deepEqual(await tagsOf(gc), ['v1', 'v2'])
    await pushAll(gc, 'v3')
    assert.equal((await collect(gc)).tags, 2)
  })
})
