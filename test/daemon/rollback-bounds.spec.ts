import assert from 'node:assert/strict'
import { FixedRules } from '../../src/access/standing-rules.ts'
import { DaemonControl } from '../../src/daemon/control.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { PublishRules } from '../../src/oci/publish-rules.ts'
import { RegistryError } from '../../src/oci/errors.ts'
import { openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { access, immutableTags } from '../support/access-world.ts'
import { randomImage } from '../support/random-image.ts'
import { pushBlobs, tagged } from '../support/registry-setup.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'
import type { StandingRules } from '../../src/registry/ports.ts'
import type { GcWorld, WorldOptions } from '../faults/gc-world.ts'

const app = parseName('team/app')
const STAYS = new FixedRules(access({ immutableTags: immutableTags('team/**:v*') }))
const READS = new FixedRules(access({ readOnly: true }))

async function push({ service }: GcWorld, tag: string, image = randomImage()) {
  await pushBlobs(service, image.blobs, app)
  await service.putManifest(app, tagged(parseTag(tag)), image.bytes, image.mediaType)
  return image
}

/** Asks for rollbacks as HTTP does, or as the socket. */
async function control(rules: StandingRules, options: WorldOptions = {}) {
  const world = await openWorld(new SeededRandom(1), options)
  type Parts = ConstructorParameters<typeof DaemonControl>[0]
  const daemon = new DaemonControl({
    storage: world.storage,
    rules,
    publisher: {},
    replication: { doubt: () => undefined },
  } as unknown as Parts)
  const back = (root: string, { asClient = true, dryRun = false } = {}) =>
    Array.fromAsync(daemon.rollback(root, { asClient, dryRun }))
  const tag = async (name: string) =>
    (await world.service.getManifest(app, tagged(parseTag(name)))).digest
  return { ...world, back, tag, root: () => world.storage.lane.root.toString() }
}

describe('a rollback that comes over HTTP', () => {
  it('is refused while the registry only reads, and goes through by the socket', async () => {
    await using it = await control(READS)
    const first = await push(it, 'v1')
    const then = it.root()
    await push(it, 'v1')
    const now = it.root()
    for (const dryRun of [false, true])
      await assert.rejects(it.back(then, { dryRun }), (error) => {
        assert.ok(error instanceof RegistryError)
        assert.deepEqual([error.code, error.status], ['UNSUPPORTED', 405])
        return true
      })
    assert.equal(it.root(), now)
    await it.back(then, { asClient: false })
    assert.equal(await it.tag('v1'), first.digest)
  })

  it('neither moves nor removes tags that stay, and names the first', async () => {
    await using it = await control(STAYS)
    await push(it, 'latest')
    const empty = it.root()
    await push(it, 'v1')
    const then = it.root()
    const second = await push(it, 'v1') // by somebody who pushed before the rule was made
    const now = it.root()
    for (const root of [empty, then])
      for (const dryRun of [false, true])
        await assert.rejects(it.back(root, { dryRun }), (error) => {
          assert.ok(error instanceof RegistryError)
          assert.equal(error.code, 'DENIED')
          assert.match(error.message, /the tag v1 is immutable/)
          return true
        })
    assert.equal(it.root(), now)
    assert.equal(await it.tag('v1'), second.digest)
    await it.back(then, { asClient: false })
    assert.notEqual(await it.tag('v1'), second.digest)
  })

  it('moves what may move, and brings back what is not there', async () => {
    await using it = await control(STAYS)
    const image = await push(it, 'v1')
    const first = await push(it, 'latest')
    const then = it.root()
    await push(it, 'latest')
    await it.storage.lane.transact((tx) => tx.removeTag(app, parseTag('v1')))
    await it.back(then)
    assert.equal(await it.tag('latest'), first.digest)
    assert.equal(await it.tag('v1'), image.digest)
  })

  it('does not take a repository that was not published for one that goes', async () => {
    await using data = await temporaryDirectory()
    const before = await control(STAYS, { data: data.path })
    const image = await push(before, 'v1')
    const then = before.root()
    await before[Symbol.asyncDispose]()
    const hidden = { match: ['team/**' as RepositoryPattern], publish: false }
    await using it = await control(STAYS, { data: data.path, rules: new PublishRules([hidden]) })
    await it.storage.lane.arrange()
    await push(it, 'latest')
    await it.back(then)
    assert.equal(await it.tag('v1'), image.digest)
    await assert.rejects(it.tag('latest'))
  })

  it('is to be tried again when such a tag was pushed after it was looked', async () => {
    await using it = await control(STAYS)
    await push(it, 'latest')
    const then = it.root()
    await push(it, 'latest')
    const { history } = it.storage
    const difference = history.difference.bind(history)
    let looks = 0
    history.difference = async function* (...args) {
      yield* difference(...args)
      if (++looks === 2) await push(it, 'v2')
    }
    await assert.rejects(it.back(then), /pushed to meanwhile/)
    await it.tag('v2')
    await assert.rejects(it.back(then), /the tag v2 is immutable/)
  })
})
