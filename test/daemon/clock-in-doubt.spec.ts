import assert from 'node:assert/strict'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { DAY } from '../../src/naming/clock.ts'
import { openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { randomImage } from '../support/random-image.ts'
import { pushBlobs, tagged } from '../support/registry-setup.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'
import type { TagPattern } from '../../src/oci/tag-pattern.ts'
import type { GcWorld } from '../faults/gc-world.ts'

const app = parseName('team/app')
const YEAR = 365 * DAY

/** Two tags of which one goes after 90 days, a manifest without a tag that goes after 30, and commits that go after 7. */
async function filled(): Promise<GcWorld> {
  const tags = [
    {
      repositories: ['**' as RepositoryPattern],
      tags: ['nightly-*' as TagPattern],
      keep: 1,
      olderThan: 90 * DAY,
    },
  ]
  const world = await openWorld(new SeededRandom(1), { untagged: 30 * DAY, keepFor: 7 * DAY, tags })
  const { service } = world
  for (const tag of ['nightly-1', 'nightly-2', 'loose'].map(parseTag)) {
    const image = randomImage({ layers: [20_000] })
    await pushBlobs(service, image.blobs, app)
    await service.putManifest(app, tagged(tag), image.bytes, image.mediaType)
  }
  await service.deleteManifest(app, tagged(parseTag('loose')))
  world.pass(DAY)
  await world.collector.collect({ dryRun: false }) // notes since when what has no tag
  return world
}

const gone = async (
  { collector }: GcWorld,
  how: { dryRun?: boolean; trustClock?: boolean } = {},
) => {
  const { tags, manifests, commits, clock } = await collector.collect({ dryRun: false, ...how })
  return { tags, manifests, isHistoryShorter: commits > 0, clock }
}

const NOTHING = { tags: 0, manifests: 0, isHistoryShorter: false }
const ALL = { tags: 1, manifests: 1, isHistoryShorter: true, clock: null }

describe('a collection under a clock that is a year ahead', () => {
  it('deletes nothing by age, and says why', async () => {
    await using world = await filled()
    world.setClock(YEAR)
    const clock = { aheadBy: YEAR / 1000, countedIn: DAY / 1000 }
    assert.deepEqual(await gone(world), { ...NOTHING, clock })
    world.setClock(0)
    assert.deepEqual(await gone(world), { ...NOTHING, clock: null })
  })

  it('goes by it when the registry has run with it for a day', async () => {
    await using world = await filled()
    world.setClock(YEAR)
    assert.deepEqual((await gone(world)).tags, 0)
    world.pass(DAY)
    assert.deepEqual(await gone(world), ALL)
  })

  it('goes by it at once when somebody says that it is right, and a dry run says what that means', async () => {
    await using world = await filled()
    world.setClock(YEAR)
    assert.deepEqual(await gone(world, { dryRun: true, trustClock: true }), ALL)
    assert.deepEqual((await gone(world)).tags, 0, 'a dry run changes nothing')
    assert.deepEqual(await gone(world, { trustClock: true }), ALL)
    assert.equal((await gone(world)).clock, null)
  })
})
