import assert from 'node:assert/strict'
import { FixedRules } from '../../src/access/standing-rules.ts'
import { parseTag } from '../../src/oci/name.ts'
import { RepositorySet } from '../../src/oci/repository-pattern.ts'
import { immutableTags } from '../support/access-world.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage, store } from '../support/random-image.ts'
import {
  APP,
  byDigest,
  createRegistry,
  never,
  pushBlobs,
  tagged,
  twisted,
} from '../support/registry-setup.ts'
import type { RegistryWriter, Rights, Transaction } from '../../src/registry/ports.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { RegistrySetup } from '../support/registry-setup.ts'

const CREATOR: Rights = {
  user: 'creator',
  mayPull: () => true,
  mayOverwrite: () => false,
  view: undefined,
}
const MOVER: Rights = { ...CREATOR, mayOverwrite: () => true }
const STAYS = new FixedRules({ immutableTags: immutableTags('team/**:v*'), readOnly: false })
const DENIED = { code: 'DENIED', status: 403 }

/** A writer before whose next edit another one slips in. */
function overtaken(own: RegistryWriter) {
  let first: ((tx: Transaction) => Promise<unknown>) | undefined
  const writer: RegistryWriter = {
    transact: async (edit, options) => {
      const before = first
      first = undefined
      if (before !== undefined) await own.transact(before)
      return own.transact(edit, options)
    },
  }
  return { writer, by: (edit: typeof first) => void (first = edit) }
}

/** A registry with an image that is pushed but has no tag, in which another edit can come first. */
async function race(setup: RegistrySetup = {}) {
  let overtake: ReturnType<typeof overtaken> | undefined
  const registry = await createRegistry({
    ...setup,
    writer: (own) => (overtake = overtaken(own)).writer,
  })
  const [image, other] = [randomImage(), randomImage()]
  const { own } = registry
  for (const each of [image, other]) await store({ writer: own, content: own.content }, APP, each)
  const point = (tag: string, { digest }: RandomManifest) =>
    overtake?.by((tx) => tx.setTag(APP, parseTag(tag), digest))
  return { ...registry, image, other, point }
}

/** A mirror with an image under tags. */
async function mirrorWith(...tags: string[]) {
  const mirror = new MemoryRegistry('m')
  const image = randomImage()
  await store({ writer: mirror, content: mirror.content }, APP, image)
  await mirror.transact(async (tx) => {
    for (const tag of tags) await tx.setTag(APP, parseTag(tag), image.digest)
  })
  return { mirror, image }
}

async function pushed(
  { service }: Pick<Awaited<ReturnType<typeof createRegistry>>, 'service'>,
  image: RandomManifest,
  tag: string,
  by: Rights = CREATOR,
) {
  await pushBlobs(service, image.blobs)
  return service.putManifest(APP, tagged(tag), image.bytes, image.mediaType, { by })
}

describe('a tag that is set between the look and the change', () => {
  it('is not moved by who may only create', async () => {
    const world = await race()
    world.point('new', world.other)
    const { bytes, mediaType } = world.image
    const put = world.service.putManifest(APP, tagged('new'), bytes, mediaType, { by: CREATOR })
    await assert.rejects(put, DENIED)
    const now = await world.service.getManifest(APP, tagged('new'))
    assert.equal(now.digest, world.other.digest)
  })

  it('may be moved by who may overwrite, unless it stays', async () => {
    for (const tag of ['new', 'v1']) {
      const world = await race({ rules: STAYS })
      world.point(tag, world.other)
      const { bytes, mediaType, digest } = world.image
      const put = world.service.putManifest(APP, tagged(tag), bytes, mediaType, { by: MOVER })
      if (tag === 'v1') await assert.rejects(put, DENIED)
      else assert.equal((await put).digest, digest)
    }
  })

  it('keeps its manifest and its repository from being deleted, when it stays', async () => {
    for (const what of ['manifest', 'repository']) {
      const world = await race({ rules: STAYS })
      world.point('v1', world.image)
      const { digest } = world.image
      const deleted =
        what === 'manifest'
          ? world.service.deleteManifest(APP, byDigest(digest))
          : world.service.deleteRepository(APP)
      await assert.rejects(deleted, DENIED, what)
      assert.equal((await world.service.getManifest(APP, tagged('v1'))).digest, digest)
      assert.equal(world.tombstones.list().length, 0)
    }
  })
})

describe('a tag that only a mirror has', () => {
  it('is not hidden by who may only create, for clients see it', async () => {
    const { mirror, image } = await mirrorWith('latest')
    const world = await createRegistry({ mirrors: [mirror] })
    await assert.rejects(pushed(world, randomImage(), 'latest'), DENIED)
    assert.equal((await pushed(world, image, 'latest')).digest, image.digest, 'it is the same')
    await pushed(world, randomImage(), 'new')
    await pushed(world, randomImage(), 'latest', MOVER)
  })

  it('is in doubt while the mirror cannot be asked: 503, and not for who may overwrite', async () => {
    const { mirror } = await mirrorWith('latest')
    const stuck = twisted(mirror, { before: async (_, signal) => never(signal) })
    const source = { name: 'm', reader: () => stuck.reader(), deadline: 10 }
    const world = await createRegistry({ mirrors: [source] })
    await assert.rejects(pushed(world, randomImage(), 'latest'), { code: 'UNAVAILABLE' })
    await pushed(world, randomImage(), 'latest', MOVER)
  })

  it('is not asked for where the mirror has nothing to say', async () => {
    const source = { name: 'm', reader: () => undefined, repositories: new RepositorySet([]) }
    const world = await createRegistry({ mirrors: [source] })
    await pushed(world, randomImage(), 'latest')
  })

  it('is neither deleted nor hidden when it stays, nor is its manifest or repository', async () => {
    const { mirror, image } = await mirrorWith('v1')
    const world = await createRegistry({ mirrors: [mirror], rules: STAYS })
    const { service, tombstones } = world
    await assert.rejects(service.deleteManifest(APP, tagged('v1')), DENIED)
    await assert.rejects(service.deleteManifest(APP, byDigest(image.digest)), DENIED)
    await assert.rejects(service.deleteRepository(APP), DENIED)
    await assert.rejects(pushed(world, randomImage(), 'v1', MOVER), DENIED)
    assert.equal(tombstones.list().length, 0)
    assert.equal((await service.getManifest(APP, tagged('v1'))).digest, image.digest)
  })

  it('keeps deletes waiting while the mirror cannot be asked whether it has one that stays', async () => {
    const source = { name: 'm', reader: () => undefined }
    const world = await createRegistry({ mirrors: [source], rules: STAYS })
    const image = randomImage()
    const { own, service } = world
    await store({ writer: own, content: own.content }, APP, image)
    const deleted = service.deleteManifest(APP, byDigest(image.digest))
    await assert.rejects(deleted, { code: 'UNAVAILABLE' })
  })
})
