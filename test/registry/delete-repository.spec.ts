import assert from 'node:assert/strict'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { Tombstones } from '../../src/registry/tombstones.ts'
import { put } from '../support/manifest-push.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage, store, streamOf } from '../support/random-image.ts'
import {
  APP,
  byDigest,
  createRegistry,
  pushBlobs,
  tagged,
  twisted,
} from '../support/registry-setup.ts'
import type { ErrorCode } from '../../src/oci/errors.ts'
import type { RandomManifest } from '../support/random-image.ts'

const fill = (registry: MemoryRegistry, image: RandomManifest, tag = 'v1', name = APP) =>
  store({ writer: registry, content: registry.content }, name, image, parseTag(tag))

const fails = (code: ErrorCode, status: number) => (error: unknown) => {
  assert.ok(isRegistryError(error, code), String(error))
  assert.equal(error.status, status)
  return true
}

type Setup = Awaited<ReturnType<typeof createRegistry>>

/** Checks that nothing of a repository is left. */
async function isGone({ service }: Setup, image: RandomManifest, name = APP): Promise<void> {
  const unknown = fails('MANIFEST_UNKNOWN', 404)
  await assert.rejects(service.getManifest(name, tagged('v1')), unknown)
  await assert.rejects(service.getManifest(name, byDigest(image.digest)), unknown)
  await assert.rejects(service.getBlob(name, image.blobs[0]!.digest), fails('BLOB_UNKNOWN', 404))
  await assert.rejects(service.listTags(name, {}), fails('NAME_UNKNOWN', 404))
  assert.ok(!(await service.listRepositories({})).names.includes(name))
}

describe('deleting a repository', () => {
  it('removes all of it in one commit, and nothing of those inside and around it', async () => {
    const setup = await createRegistry()
    const { service, own, tombstones } = setup
    const image = randomImage()
    const others = [parseName('team'), parseName('team/app/inner')]
    for (const name of [APP, ...others]) await fill(own, image, 'v1', name)
    await fill(own, randomImage({ subject: image }), 'signed')
    const before = own.commits
    await service.deleteRepository(APP)
    assert.equal(own.commits, before + 1)
    await isGone(setup, image)
    assert.deepEqual((await service.listReferrers(APP, image.digest)).manifests, [])
    assert.deepEqual((await service.listRepositories({})).names, others)
    for (const name of others) assert.ok(await service.getManifest(name, tagged('v1')))
    assert.deepEqual(tombstones.list(), [])
  })

  it('is NAME_UNKNOWN for what is nowhere, also the second time', async () => {
    const { service, own, tombstones } = await createRegistry({
      mirrors: [new MemoryRegistry('m')],
    })
    const unknown = fails('NAME_UNKNOWN', 404)
    await assert.rejects(service.deleteRepository(APP), unknown)
    await fill(own, randomImage())
    await assert.rejects(service.deleteRepository(parseName('team')), unknown)
    await service.deleteRepository(APP)
    await assert.rejects(service.deleteRepository(APP), unknown)
    assert.deepEqual(tombstones.list(), [])
  })

  it('is UNSUPPORTED when deletes are off or the node is read-only', async () => {
    for (const options of [{ deletes: false }, { readOnly: true }]) {
      const { service, own } = await createRegistry({ options })
      await fill(own, randomImage())
      await assert.rejects(service.deleteRepository(APP), fails('UNSUPPORTED', 405))
      assert.ok(await service.getManifest(APP, tagged('v1')))
    }
  })

  it('lets the name be pushed to again', async () => {
    const setup = await createRegistry()
    const { service, own } = setup
    const [old, next] = [randomImage(), randomImage()]
    await fill(own, old)
    await service.deleteRepository(APP)
    await pushBlobs(service, next.blobs)
    await put(service, next, tagged('v2'))
    assert.deepEqual((await service.listTags(APP, {})).names, ['v2'])
    await assert.rejects(service.getManifest(APP, byDigest(old.digest)))
    await service.deleteRepository(APP)
    await isGone(setup, next)
  })

  it('makes a push that was under way upload again', async () => {
    const image = randomImage()
    const { service, own } = await createRegistry()
    await pushBlobs(service, image.blobs)
    const { transact } = own
    own.transact = async (...args) => {
      own.transact = transact
      await service.deleteRepository(APP)
      return transact.apply(own, args) as never
    }
    await assert.rejects(put(service, image), fails('MANIFEST_BLOB_UNKNOWN', 400))
    assert.deepEqual((await service.listRepositories({})).names, [])
  })
})

describe('deleting a repository with uploads', () => {
  const layer = randomImage().blobs[1]!

  it('ends its sessions, also those of an earlier life, and no others', async () => {
    const { service, own, uploads, uploadStore } = await createRegistry()
    await fill(own, randomImage())
    const other = parseName('team/app/inner')
    const [open, kept] = [await uploads.create(APP), await uploads.create(other)]
    const sleeping = {
      id: '11111111-1111-4111-8111-111111111111',
      name: APP,
      startedAt: 1,
      algorithm: 'sha256',
    } as const
    await uploadStore.create(sleeping)
    let opened = 0
    const { open: openStored } = uploadStore
    uploadStore.open = (...args) => {
      opened++
      return openStored.apply(uploadStore, args)
    }
    await service.deleteRepository(APP)
    assert.equal(opened, 0, 'what is in them is not read')
    assert.deepEqual([...uploadStore.saved.keys()], [kept.id])
    for (const id of [open.id, sleeping.id])
      await assert.rejects(uploads.status(APP, id), fails('BLOB_UPLOAD_UNKNOWN', 404))
    assert.equal((await uploads.status(other, kept.id)).size, 0)
  })

  it('ends a session that is being written to, and links nothing of it', async () => {
    const setup = await createRegistry()
    const { service, own, uploads, uploadStore } = setup
    const image = randomImage()
    await fill(own, image)
    const [writing, finishing] = [await uploads.create(APP), await uploads.create(APP)]
    const held = Promise.withResolvers<void>()
    const slow = (pieces: Uint8Array[]) =>
      (async function* () {
        for (const each of pieces) {
          yield each
          await held.promise
        }
      })()
    const appended = uploads.append(APP, writing.id, { source: slow([layer.bytes]) })
    const half = layer.bytes.length / 2
    const finished = uploads.finish(APP, finishing.id, layer.digest, {
      source: slow([layer.bytes.subarray(0, half), layer.bytes.subarray(half)]),
    })
    await service.deleteRepository(APP)
    await assert.rejects(appended, fails('BLOB_UPLOAD_UNKNOWN', 404))
    await assert.rejects(finished, fails('BLOB_UPLOAD_UNKNOWN', 404))
    held.resolve()
    await assert.rejects(
      uploads.append(APP, writing.id, { source: streamOf('x') }),
      fails('BLOB_UPLOAD_UNKNOWN', 404),
    )
    assert.deepEqual([...uploadStore.saved.keys()], [])
    await isGone(setup, image)
  })

  it('links nothing that a session finishes between the removal and the answer', async () => {
    const committed: (() => Promise<void>)[] = []
    const setup = await createRegistry({
      writer: (registry) => ({
        findBlob: registry.findBlob.bind(registry),
        transact: async (edit, options) => {
          const result = await registry.transact(edit, options)
          await committed.pop()?.()
          return result
        },
      }),
    })
    const { service, own, uploads } = setup
    const image = randomImage()
    await fill(own, image)
    const { id } = await uploads.create(APP)
    const held = Promise.withResolvers<void>()
    const source = (async function* () {
      yield layer.bytes
      await held.promise
    })()
    const finished = uploads.finish(APP, id, layer.digest, { source })
    committed.push(async () => {
      held.resolve()
      await Promise.allSettled([finished])
    })
    await service.deleteRepository(APP)
    await assert.rejects(finished, fails('BLOB_UPLOAD_UNKNOWN', 404))
    await isGone(setup, image)
  })

  it('ends a session of an earlier life of the process that wakes up meanwhile', async () => {
    let wakeUp: (() => Promise<void>) | undefined
    const setup = await createRegistry({
      writer: (registry) => ({
        findBlob: registry.findBlob.bind(registry),
        transact: async (edit, options) => {
          const result = await registry.transact(edit, options)
          await wakeUp?.()
          return result
        },
      }),
    })
    const { service, own, uploads, uploadStore } = setup
    const image = randomImage()
    await fill(own, image)
    const id = '3b241101-e2bb-4255-8caf-4136c566a962'
    await uploadStore.create({ id, name: APP, startedAt: 0, algorithm: 'sha256' })
    let outcome: unknown
    wakeUp = async () => {
      wakeUp = undefined
      const chunk = { source: streamOf(layer.bytes) }
      outcome = await uploads.finish(APP, id, layer.digest, chunk).catch((error: unknown) => error)
    }
    await service.deleteRepository(APP)
    assert.ok(isRegistryError(outcome, 'BLOB_UPLOAD_UNKNOWN'), String(outcome))
    await isGone(setup, image)
    assert.deepEqual([...uploadStore.saved.keys()], [])
  })

  it('leaves them when nothing was deleted', async () => {
    let failure: Error | undefined
    const { service, own, uploads } = await createRegistry({
      writer: (registry) => ({
        findBlob: registry.findBlob.bind(registry),
        transact: (edit, options) =>
          registry.transact(async (tx) => {
            const result = await edit(tx)
            if (failure !== undefined) throw failure
            return result
          }, options),
      }),
    })
    const { id } = await uploads.create(APP)
    await assert.rejects(service.deleteRepository(APP), fails('NAME_UNKNOWN', 404))
    await fill(own, randomImage())
    failure = new Error('ENOSPC')
    await assert.rejects(service.deleteRepository(APP), /ENOSPC/)
    failure = undefined
    await uploads.finish(APP, id, layer.digest, { source: streamOf(layer.bytes) })
    assert.ok(await service.getBlob(APP, layer.digest))
  })
})

describe('deleting a repository that a mirror has', () => {
  const setup = async () => {
    const mirror = new MemoryRegistry('m')
    return { ...(await createRegistry({ mirrors: [mirror] })), mirror }
  }

  it('hides it for good, whatever its owner does, and is listed', async () => {
    const made = await setup()
    const { service, mirror, tombstones, tombstoneMap, clock } = made
    const image = randomImage()
    await fill(mirror, image)
    await fill(mirror, image, 'v1', parseName('team'))
    await service.deleteRepository(APP)
    await isGone(made, image)
    const entry = { name: APP, kind: 'repository', what: APP, at: clock.now() }
    assert.deepEqual(tombstones.list(), [entry])
    assert.deepEqual((await Tombstones.open(tombstoneMap, clock.now)).list(), [entry])
    await fill(mirror, randomImage({ subject: image }), 'v9')
    await isGone(made, image)
    assert.deepEqual((await service.listReferrers(APP, image.digest)).manifests, [])
    assert.deepEqual((await service.listRepositories({})).names, ['team'])
    await assert.rejects(service.deleteRepository(APP), fails('NAME_UNKNOWN', 404))
  })

  it('stays hidden behind what is pushed here afterwards, until that is pushed too', async () => {
    const { service, mirror, own } = await setup()
    const [theirs, ours] = [randomImage(), randomImage()]
    await fill(mirror, theirs)
    await fill(own, ours, 'v2')
    await service.deleteRepository(APP)
    await pushBlobs(service, ours.blobs)
    await put(service, ours, tagged('v2'))
    assert.deepEqual((await service.listTags(APP, {})).names, ['v2'])
    await assert.rejects(service.getManifest(APP, tagged('v1')), fails('MANIFEST_UNKNOWN', 404))
    const missing = theirs.blobs.map(({ digest }) => digest)
    await assert.rejects(put(service, theirs), (error: unknown) => {
      assert.ok(isRegistryError(error, 'MANIFEST_BLOB_UNKNOWN'))
      assert.deepEqual(
        new Set((error.detail as { digests: string[] }).digests),
        new Set<string>(missing),
      )
      return true
    })
    await pushBlobs(service, theirs.blobs)
    await put(service, theirs)
    assert.deepEqual((await service.listTags(APP, {})).names, ['v1', 'v2'])
  })

  it('hides it also when the mirror cannot be asked, if we had any of it ourselves', async () => {
    let isDead = true
    const mirror = new MemoryRegistry('m')
    const image = randomImage()
    await fill(mirror, image)
    const source = twisted(mirror, {
      before: () => (isDead ? Promise.reject(new Error('EIO')) : Promise.resolve()),
    })
    const made = await createRegistry({ mirrors: [source] })
    await assert.rejects(made.service.deleteRepository(APP), fails('NAME_UNKNOWN', 404))
    await fill(made.own, image)
    await made.service.deleteRepository(APP)
    isDead = false
    await isGone(made, image)
  })

  it('leaves the pages of the catalog full', async () => {
    const { service, mirror } = await setup()
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].map(parseName)
    for (const name of names) await fill(mirror, randomImage(), 'v1', name)
    for (const name of names.slice(0, 4)) await service.deleteRepository(name)
    const { names: page, more } = await service.listRepositories({ limit: 2 })
    assert.deepEqual([page, more], [['e', 'f'], false])
  })
})
