import assert from 'node:assert/strict'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import type { UnexpectedAnswer } from '../support/client.ts'

const path = (name: string) => `/v2/${name}/_heliport/repository`

describe('deleting a repository of a whole node', () => {
  it('has happened when the answer came, also after kill -9 (I1)', async () => {
    await using daemon = await DaemonProcess.start()
    const client = () => new RegistryClient(daemon.url)
    const image = randomImage()
    for (const name of ['a', 'a/b']) await client().pushImage(name, image, { tag: 'v1' })
    const upload = await client().startUpload('a')
    await client().expect(202, 'DELETE', path('a'))
    await daemon.kill()
    await daemon.restart()
    assert.deepEqual(await client().catalog(), ['a/b'])
    assert.equal((await client().call('GET', '/v2/a/tags/list')).code(), 'NAME_UNKNOWN')
    assert.equal((await client().call('GET', upload)).code(), 'BLOB_UPLOAD_UNKNOWN')
    await client().pullsExactly('a/b', 'v1', image)
  })

  it('among pushes to it and around it leaves whole images and no others', async () => {
    await using node = await TestNode.start()
    const { client } = node
    const neighbours = ['x', 'x/y/z']
    const images = Array.from({ length: 3 }, () => randomImage({ layers: [40_000] }))
    let isDone = false
    const deletes = (async () => {
      while (!isDone) await client.call('DELETE', path('x/y'))
    })()
    await Promise.all([
      ...images.map(async (image, i) => {
        for (const name of neighbours) await client.pushImage(name, image, { tag: `t${i}` })
      }),
      ...images.map((image, i) => untilPushed(client, image, `t${i}`)),
    ])
    isDone = true
    await deletes
    for (const name of neighbours) {
      assert.equal((await client.tags(name)).length, images.length)
      for (const [i, image] of images.entries()) await client.pullsExactly(name, `t${i}`, image)
    }
    const left = await client.call('GET', '/v2/x/y/tags/list')
    const tags = left.status === 404 ? [] : (left.json() as { tags: string[] }).tags
    for (const tag of tags)
      await client.pullsExactly('x/y', tag, images[Number(tag.slice(1))] ?? assert.fail(tag))
  })
})

/** Pushes as a client does whose repository is deleted now and then: what is unknown is uploaded again, a few times. */
async function untilPushed(
  client: RegistryClient,
  image: ReturnType<typeof randomImage>,
  tag: string,
): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      return await client.pushImage('x/y', image, { tag })
    } catch (error) {
      const code = (error as UnexpectedAnswer).answer.code()
      assert.ok(code === 'MANIFEST_BLOB_UNKNOWN' || code === 'BLOB_UPLOAD_UNKNOWN', String(error))
    }
  }
}
