import assert from 'node:assert/strict'
import { randomImage } from '../support/random-image.ts'
import { TestNode, eventually, twoNodes } from '../support/two-nodes.ts'

/** A name that nobody publishes. */
const NOBODY = 'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8'

describe('warnings about mirrors', () => {
  const warningOf = async (node: TestNode, path: string, status = 200): Promise<string> =>
    (await node.client.expect(status, 'GET', path)).headers.get('warning') ?? ''

  it('come with what depends on a mirror whose publisher is gone, and end when it is back', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const image = randomImage()
    const signature = randomImage({ subject: image })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await a.client.pushImage('app', signature)
    await b.follows(a)
    await b.client.pushImage('own', image, { tag: 'v1' })
    const about = [
      '/v2/app/manifests/v1',
      '/v2/app/tags/list',
      '/v2/_catalog',
      `/v2/app/referrers/${image.digest}`,
    ]
    const never = [
      `/v2/app/manifests/${image.digest}`,
      `/v2/app/blobs/${image.blobs[0]!.digest}`,
      '/v2/own/manifests/v1',
      '/v2/own/tags/list',
    ]
    for (const path of [...about, ...never]) assert.equal(await warningOf(b, path), '', path)

    await a.stop()
    const before = Date.now()
    await b.restart()
    await b.until(({ mirrors }) => staleSince(mirrors[0]) !== undefined, 'a mirror that is stale')
    const { mirrors } = await b.status()
    const since = staleSince(mirrors[0]) ?? assert.fail()
    assert.ok(Date.parse(since) >= before && Date.parse(since) <= Date.now())
    const expected = `299 - "mirror ${a.name} may be out of date: its newest state is not known since ${since}"`
    for (const path of about) assert.equal(await warningOf(b, path), expected, path)
    for (const path of never) assert.equal(await warningOf(b, path), '', path)
    await b.client.pullsExactly('app', 'v1', image)

    await a.restart({ peers: [b] }) // at once, instead of when B tries again
    await eventually(
      async () => (await warningOf(b, '/v2/app/manifests/v1')) === '',
      'an answer without a warning',
    )
    for (const path of about) assert.equal(await warningOf(b, path), '', path)
  })

  it('come with listings that lack a mirror nobody has reached, and not with what is ours', async () => {
    await using node = await TestNode.start({ mirrors: [NOBODY] })
    const image = randomImage()
    await node.client.pushImage('app', image, { tag: 'v1' })
    const expected = `299 - "mirror ${NOBODY} has not been reached so far: what it has is missing here"`
    for (const path of ['/v2/app/tags/list', '/v2/_catalog', `/v2/app/referrers/${image.digest}`])
      assert.equal(await warningOf(node, path), expected, path)
    for (const path of ['/v2/app/manifests/v1', `/v2/app/manifests/${image.digest}`])
      assert.equal(await warningOf(node, path), '', path)
  })
})

/** When a mirror of the status became stale. */
function staleSince(mirror: unknown): string | undefined {
  return (mirror as { staleSince: string | null } | undefined)?.staleSince ?? undefined
}
