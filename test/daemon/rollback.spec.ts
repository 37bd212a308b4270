import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { rollback } from '../../src/daemon/rollback.ts'
import { toldRollback } from '../../src/daemon/told-rollback.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { PublishRules } from '../../src/oci/publish-rules.ts'
import { LEASE, openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { randomImage } from '../support/random-image.ts'
import { pushBlobs, tagged } from '../support/registry-setup.ts'
import type { RollbackProgress } from '../../src/daemon/rollback.ts'
import type { RepositoryPattern } from '../../src/oci/repository-pattern.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { GcWorld } from '../faults/gc-world.ts'

const app = parseName('team/app')
const hidden = parseName('hidden/app')
const v1 = parseTag('v1')

const world = (): Promise<GcWorld> => openWorld(new SeededRandom(1))

async function push({ service }: GcWorld, image: RandomManifest, name = app): Promise<void> {
  await pushBlobs(service, image.blobs, name)
  await service.putManifest(name, tagged(v1), image.bytes, image.mediaType)
}

async function largeFiles({ data }: GcWorld): Promise<string[]> {
  const files = await readdir(join(data, 'data', 'blocks'), { recursive: true })
  return files.filter((path) => /[0-9a-f]{64}$/.test(path))
}

async function readAll({ service }: GcWorld, image: RandomManifest, name: typeof app) {
  for (const { digest, bytes } of image.blobs) {
    const blob = await service.getBlob(name, digest)
    assert.deepEqual(Buffer.concat(await Array.fromAsync(blob.open())), Buffer.from(bytes))
  }
}

describe('a rollback', () => {
  it('makes the registry what it was, as a new commit that can be undone', async () => {
    await using gc = await world()
    const [first, second] = [randomImage(), randomImage()]
    await push(gc, first)
    const { lane, history } = gc.storage
    const then = lane.root.toString()
    await push(gc, second)
    const now = lane.root.toString()
    const parts = { ...gc.storage, isReadOnly: false }
    const tried = await Array.fromAsync(rollback(parts, then, { dryRun: true }))
    assert.equal(lane.root.toString(), now)
    const told = await Array.fromAsync(rollback(parts, then, { dryRun: false }))
    assert.deepEqual(told, [...tried, { rolledBack: then }])
    assert.equal(lane.root.toString(), then)
    assert.equal((await gc.service.getManifest(app, tagged(v1))).digest, first.digest)
    const [commit] = await Array.fromAsync(history.commits({ limit: 1 }))
    assert.deepEqual(commit?.changes, [{ action: 'rollback', root: then }])
    await push(gc, second)
    await Array.fromAsync(rollback(parts, now, { dryRun: false }))
    assert.equal((await gc.service.getManifest(app, tagged(v1))).digest, second.digest)
  })

  it('changes nothing when the root is unknown, or not here as a whole', async () => {
    await using gc = await world()
    await push(gc, randomImage({ layers: [50_000] }))
    const { lane } = gc.storage
    const then = lane.root.toString()
    await push(gc, randomImage())
    const now = lane.root.toString()
    const parts = { ...gc.storage, isReadOnly: false }
    const [file = ''] = await largeFiles(gc)
    await rm(join(gc.data, 'data', 'blocks', file))
    const attempt = (root: string, isReadOnly = false): Promise<object[]> =>
      Array.fromAsync(rollback({ ...parts, isReadOnly }, root, { dryRun: false }))
    await assert.rejects(attempt(then), /not here as a whole/)
    await assert.rejects(attempt('77'), /no root that this registry had/)
    await assert.rejects(attempt(now, true), /read-only/)
    assert.equal(lane.root.toString(), now)
  })

  it('commits what is whole, though its commit was trimmed while somebody read slowly what will be different', async () => {
    const rules = new PublishRules([{ match: ['hidden/**' as RepositoryPattern], publish: false }])
    await using gc = await openWorld(new SeededRandom(1), { rules })
    const images = [randomImage({ layers: [50_000] }), randomImage({ layers: [60_000] })] as const
    const { lane } = gc.storage
    await push(gc, images[0], app)
    await push(gc, images[1], hidden)
    const then = lane.roots.public.toString()
    for (const name of [app, hidden])
      await lane.transact(async (tx) => void (await tx.removeRepository(name)))
    await push(gc, randomImage(), app)
    const told = rollback({ ...gc.storage, isReadOnly: false }, then, { dryRun: false })
    await told.next()
    gc.pass(10 * LEASE)
    assert.ok((await gc.collector.collect({ dryRun: false })).commits > 0)
    for (let next = await told.next(); next.done !== true;) next = await told.next()
    gc.storage.cache.clear()
    await readAll(gc, images[0], app)
    await readAll(gc, images[1], hidden)
  })

  it('tells how far it is while it looks whether everything is here', async () => {
    await using gc = await world()
    await push(gc, randomImage({ layers: [50_000] }))
    const then = gc.storage.lane.root.toString()
    await push(gc, randomImage())
    const { blocks } = gc.storage
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow: Pick<typeof blocks, 'get' | 'has'> = {
      get: (cid) => blocks.get(cid),
      has: async (cid) => {
        await promise
        return blocks.has(cid)
      },
    }
    const parts = { ...gc.storage, blocks: slow as typeof blocks, isReadOnly: false }
    const told = toldRollback(parts, then, { dryRun: false })
    const { value } = await told.next()
    assert.equal((value as RollbackProgress).phase, 'check')
    assert.ok((value as RollbackProgress).done > 5, JSON.stringify(value))
    resolve()
    const rest = await Array.fromAsync(told)
    assert.deepEqual(rest.at(-1), { rolledBack: then })
  })

  it('lets go of what it held when its reader leaves', async () => {
    await using gc = await world()
    await push(gc, randomImage({ layers: [50_000] }))
    const then = gc.storage.lane.root.toString()
    await gc.storage.lane.transact(async (tx) => void (await tx.removeRepository(app)))
    const told = rollback({ ...gc.storage, isReadOnly: false }, then, { dryRun: false })
    await told.next()
    await told.return(undefined)
    gc.pass(10 * LEASE)
    await gc.collector.collect({ dryRun: false })
    assert.deepEqual(await largeFiles(gc), [])
  })
})
