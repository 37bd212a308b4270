import assert from 'node:assert/strict'
import { parseName } from '../../src/oci/name.ts'
import { mountBlob } from '../../src/registry/mount-blob.ts'
import { MemoryRegistry } from '../support/memory-ports.ts'
import { randomImage, store } from '../support/random-image.ts'
import { APP, createRegistry, pushBlobs } from '../support/registry-setup.ts'
import type { RepositoryName } from '../../src/oci/name.ts'
import type { MountableTree } from '../../src/registry/mount-blob.ts'

const OTHER = parseName('team/other')
const NOBODY = parseName('nobody')
const piece = () => randomImage().blobs[0]!

describe('mounting a blob', () => {
  for (const [what, from] of [
    ['from the repository that was named', APP],
    ['from wherever it is, when none was named', undefined],
  ] as const) {
    it(`links it ${what}`, async () => {
      const { service } = await createRegistry()
      const blob = piece()
      await pushBlobs(service, [blob])
      assert.equal(await service.mountBlob(OTHER, blob.digest, from), true)
      assert.equal((await service.getBlob(OTHER, blob.digest)).size, blob.size)
      assert.equal(await service.mountBlob(OTHER, blob.digest, from), true, 'again')
    })
  }

  it('looks nowhere else when the repository that was named does not have it', async () => {
    const { service } = await createRegistry()
    const blob = piece()
    await pushBlobs(service, [blob])
    assert.equal(await service.mountBlob(OTHER, blob.digest, NOBODY), false)
    assert.equal(await service.mountBlob(OTHER, blob.digest, OTHER), false)
    await assert.rejects(service.getBlob(OTHER, blob.digest), { code: 'BLOB_UNKNOWN' })
  })

  it('does not bring back what was deleted, and costs no commit (CVE-2026-35172)', async () => {
    const { service, own } = await createRegistry()
    const blob = piece()
    await pushBlobs(service, [blob])
    await service.mountBlob(OTHER, blob.digest, undefined)
    await service.deleteBlob(APP, blob.digest)
    await service.deleteBlob(OTHER, blob.digest)
    const { commits } = own
    for (const name of [APP, OTHER, NOBODY]) {
      assert.equal(await service.mountBlob(name, blob.digest, undefined), false)
      await assert.rejects(service.getBlob(name, blob.digest), { code: 'BLOB_UNKNOWN' })
    }
    assert.equal(own.commits, commits)
  })

  it('does not take what only a mirror has', async () => {
    const mirror = new MemoryRegistry('m')
    const { service } = await createRegistry({ mirrors: [mirror] })
    const image = randomImage()
    await store({ writer: mirror, content: mirror.content }, APP, image)
    const { digest } = image.blobs[0]!
    assert.ok(await service.getBlob(APP, digest))
    for (const from of [APP, undefined]) {
      assert.equal(await service.mountBlob(OTHER, digest, from), false)
    }
  })

  it('does not take a manifest, though it can be read as a blob, until it was pushed as one', async () => {
    const { service, own } = await createRegistry()
    const image = randomImage()
    await store({ writer: own, content: own.content }, APP, image)
    assert.ok(await service.getBlob(APP, image.digest))
    for (const from of [APP, undefined]) {
      assert.equal(await service.mountBlob(OTHER, image.digest, from), false)
    }
    await pushBlobs(service, [image])
    assert.equal(await service.mountBlob(OTHER, image.digest, APP), true)
  })

  it('is UNSUPPORTED on a read-only node', async () => {
    const { service } = await createRegistry({ options: { readOnly: true } })
    for (const from of [APP, undefined]) {
      await assert.rejects(service.mountBlob(OTHER, piece().digest, from), {
        code: 'UNSUPPORTED',
        status: 405,
      })
    }
  })
})

describe('mounting a blob that goes away meanwhile', () => {
  /** A tree in which a blob is deleted from each repository it was found in, before it can be linked. */
  async function shrinking(blob: ReturnType<typeof piece>, names: readonly RepositoryName[]) {
    const own = new MemoryRegistry()
    const stored = await own.content.write(blob.bytes, blob.digest)
    for (const name of names) await own.transact((tx) => tx.linkBlob(name, stored))
    let left = Infinity
    const tree: MountableTree = {
      transact: (edit) => own.transact(edit),
      findBlob: async (...args) => {
        const found = await own.findBlob(...args)
        if (found !== undefined && left-- > 0) {
          await own.transact((tx) => tx.removeBlob(found, blob.digest))
        }
        return found
      },
    }
    return { own, tree, stopAfter: (deletes: number) => (left = deletes) }
  }

  it('takes it from the next repository that has it', async () => {
    const blob = piece()
    const { own, tree, stopAfter } = await shrinking(blob, [APP, NOBODY])
    stopAfter(1)
    const mount = { name: OTHER, digest: blob.digest, from: undefined }
    assert.equal(await mountBlob(tree, mount, {}), true)
    assert.ok(await own.reader().blob(OTHER, blob.digest))
    assert.equal(await own.reader().blob(APP, blob.digest), undefined)
  })

  it('gives up when it was the last', async () => {
    const blob = piece()
    const { own, tree } = await shrinking(blob, [APP])
    const mount = { name: OTHER, digest: blob.digest, from: undefined }
    assert.equal(await mountBlob(tree, mount, {}), false)
    assert.equal(await own.reader().blob(OTHER, blob.digest), undefined)
  })

  it('gives up when that happens again and again', async () => {
    const blob = piece()
    const names = Array.from({ length: 20 }, (_, i) => parseName(`r${i}`))
    const { own, tree } = await shrinking(blob, names)
    const mount = { name: OTHER, digest: blob.digest, from: undefined }
    assert.equal(await mountBlob(tree, mount, {}), false)
    assert.equal((await own.reader().repositories()).length, 17)
  })
})
