import assert from 'node:assert/strict'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'

describe('a registry in the past', () => {
  it('is pulled by the name of an old root, and cannot be changed', async () => {
    await using node = await TestNode.start()
    const { client } = node
    const [old, now] = [randomImage(), randomImage()]
    await client.pushImage('team/app', old, { tag: 'v1' })
    const { root } = (await node.status()).storage
    await client.pushImage('team/app', now, { tag: 'v1' })
    const past = `at/${root}/team/app`
    await node.restart()
    assert.equal(await node.client.digestOf('team/app', 'v1'), now.digest)
    assert.equal(await node.client.digestOf(past, 'v1'), old.digest)
    assert.deepEqual(await node.client.tags(past), ['v1'])
    await node.client.pullsExactly(past, old.digest, old)
    const unknown = past.replace(/bafybei./, 'bafybeix')
    for (const [method, path, status] of [
      ['POST', `/v2/${past}/blobs/uploads/`, 405],
      ['DELETE', `/v2/${past}/manifests/v1`, 405],
      ['GET', `/v2/${unknown}/manifests/v1`, 404],
      ['GET', `/v2/${past}/manifests/v2`, 404],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${node.port}${path}`, { method })
      assert.equal(answer.status, status, `${method} ${path}`)
    }
  })
})
