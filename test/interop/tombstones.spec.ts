import assert from 'node:assert/strict'
import { randomImage } from '../support/random-image.ts'
import { twoNodes } from '../support/two-nodes.ts'
import type { NodeStatus } from '../support/two-nodes.ts'

function hidden({ storage }: NodeStatus): string[][] {
  return storage.tombstones
    .map(({ name, kind, what }) => [name, kind, what])
    .toSorted((x, y) => x.join().localeCompare(y.join()))
}

describe('a delete of what only a mirror has', () => {
  it('hides a tag, for good and for this node alone', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage()
    await a.client.pushImage('app', image, { tag: 'v1' })
    await a.client.pushImage('app', image, { tag: 'v2' })
    await b.follows(a)
    await b.client.expect(202, 'DELETE', '/v2/app/manifests/v1')
    const check = async (): Promise<void> => {
      assert.equal(await b.client.digestOf('app', 'v1'), undefined)
      assert.deepEqual(await b.client.tags('app'), ['v2'])
      await b.client.pullsExactly('app', 'v2', image)
      assert.deepEqual(hidden(await b.status()), [['app', 'tag', 'v1']])
    }
    await check()
    const again = await b.client.call('DELETE', '/v2/app/manifests/v1')
    assert.deepEqual([again.status, again.code()], [404, 'MANIFEST_UNKNOWN'])
    await b.restart()
    await check()
    await a.client.pullsExactly('app', 'v1', image)
    // What its owner does to it later changes nothing here.
    await a.client.pushImage('app', randomImage(), { tag: 'v1' })
    await b.follows(a)
    assert.equal(await b.client.digestOf('app', 'v1'), undefined)
  })

  it('hides a manifest with all tags that point to it, and a blob', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const [image, other] = [randomImage(), randomImage()]
    const blob = other.blobs[1]!
    for (const tag of ['v1', 'v2']) await a.client.pushImage('app', image, { tag })
    await a.client.pushImage('app', other, { tag: 'other' })
    await b.follows(a)
    await b.client.expect(202, 'DELETE', `/v2/app/manifests/${image.digest}`)
    await b.client.expect(202, 'DELETE', `/v2/app/blobs/${blob.digest}`)
    for (const _ of ['before', 'after a restart']) {
      for (const reference of ['v1', 'v2', image.digest]) {
        const answer = await b.client.call('GET', `/v2/app/manifests/${reference}`)
        assert.deepEqual([answer.status, answer.code()], [404, 'MANIFEST_UNKNOWN'])
      }
      const answer = await b.client.call('GET', `/v2/app/blobs/${blob.digest}`)
      assert.deepEqual([answer.status, answer.code()], [404, 'BLOB_UNKNOWN'])
      assert.deepEqual(await b.client.tags('app'), ['other'])
      const kinds = hidden(await b.status()).map(([, kind, what]) => [kind, what])
      assert.deepEqual(kinds, [
        ['blob', blob.digest],
        ['manifest', image.digest],
      ])
      await b.restart()
      await b.until(({ mirrors }) => mirrors[0]?.root !== null, 'a root of the mirror')
    }
  })

  it('hides a repository, for good, behind what is pushed to it afterwards', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const [theirs, ours] = [randomImage(), randomImage()]
    for (const name of ['app', 'app/inner']) await a.client.pushImage(name, theirs, { tag: 'v1' })
    await b.follows(a)
    await b.client.pushImage('app', ours, { tag: 'v2' })
    const upload = await b.client.startUpload('app')
    await b.client.expect(202, 'DELETE', '/v2/app/_heliport/repository')
    assert.equal((await b.client.call('GET', upload)).code(), 'BLOB_UPLOAD_UNKNOWN')
    const check = async (): Promise<void> => {
      assert.deepEqual(await b.client.catalog(), ['app/inner'])
      for (const [path, code] of [
        ['tags/list', 'NAME_UNKNOWN'],
        ['manifests/v1', 'MANIFEST_UNKNOWN'],
        ['manifests/v2', 'MANIFEST_UNKNOWN'],
        [`manifests/${ours.digest}`, 'MANIFEST_UNKNOWN'],
        [`manifests/${theirs.digest}`, 'MANIFEST_UNKNOWN'],
        [`blobs/${theirs.blobs[0]!.digest}`, 'BLOB_UNKNOWN'],
      ] as const) {
        const answer = await b.client.call('GET', `/v2/app/${path}`)
        assert.deepEqual([answer.status, answer.code()], [404, code], path)
      }
      await b.client.pullsExactly('app/inner', 'v1', theirs)
      assert.deepEqual(hidden(await b.status()), [['app', 'repository', 'app']])
    }
    await check()
    await b.restart()
    await check()
    const again = await b.client.call('DELETE', '/v2/app/_heliport/repository')
    assert.deepEqual([again.status, again.code()], [404, 'NAME_UNKNOWN'])
    await a.client.pushImage('app', ours, { tag: 'later' })
    await b.follows(a)
    await b.client.pushImage('app', ours, { tag: 'v3' })
    assert.deepEqual(await b.client.tags('app'), ['v3'])
    await b.client.pullsExactly('app', 'v3', ours)
    await a.client.pullsExactly('app', 'v1', theirs)
  })

  it('never hides what is pushed here afterwards', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const [theirs, ours] = [randomImage(), randomImage()]
    await a.client.pushImage('app', theirs, { tag: 'v1' })
    await b.follows(a)
    await b.client.expect(202, 'DELETE', '/v2/app/manifests/v1')
    await b.client.expect(202, 'DELETE', `/v2/app/manifests/${theirs.digest}`)
    await b.client.pushImage('app', ours, { tag: 'v1' })
    await b.client.pullsExactly('app', 'v1', ours)
    await b.client.pushImage('app', theirs, { tag: 'v1' })
    await b.client.pullsExactly('app', 'v1', theirs)
    assert.deepEqual(await b.client.tags('app'), ['v1'])
  })

  it('is a 404 for what nobody has', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage()
    await a.client.pushImage('app', image, { tag: 'v1' })
    await b.follows(a)
    for (const reference of ['nothing', randomImage().digest]) {
      const answer = await b.client.call('DELETE', `/v2/app/manifests/${reference}`)
      assert.deepEqual([answer.status, answer.code()], [404, 'MANIFEST_UNKNOWN'])
    }
    assert.deepEqual(hidden(await b.status()), [])
  })
})
