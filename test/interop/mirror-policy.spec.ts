import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openDisk } from '../support/disk.ts'
import { call } from '../support/http.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { TestNode, eventually } from '../support/two-nodes.ts'

/** `heliport export` on a running node. */
async function exportTo(node: TestNode, directory: string): Promise<void> {
  const { socket } = JSON.parse(await readFile(join(node.data, 'lock'), 'utf8')) as {
    socket: string
  }
  const body = JSON.stringify({ directory })
  const { status } = await call({ socketPath: socket }, 'POST', '/api/v1/export', { body })
  assert.equal(status, 200)
}

describe('a mirror of which some repositories are allowed', () => {
  for (const replicate of ['lazy', 'full'] as const) {
    it(`has no others, for pulls, lists and exports (${replicate})`, async () => {
      await using a = await TestNode.start()
      const [mine, other] = [randomImage(), randomImage()]
      await a.client.pushImage('team/app', mine, { tag: 'v1' })
      await a.client.pushImage('else', other, { tag: 'v1' })
      const policy = { key: a, replicate, repositories: ['team/*'] }
      await using b = await TestNode.start({ mirrors: [policy] })
      await b.follows(a)
      if (replicate === 'full') {
        await b.copies(a)
        await a.stop()
      }
      await b.client.pullsExactly('team/app', 'v1', mine)
      assert.deepEqual(await b.client.catalog(), ['team/app'])
      for (const path of [
        '/v2/else/manifests/v1',
        `/v2/else/manifests/${other.digest}`,
        `/v2/else/blobs/${other.blobs[0]!.digest}`,
        '/v2/else/tags/list',
      ])
        assert.equal((await b.client.call('GET', path)).status, 404, path)
      const put = await b.client.call('PUT', '/v2/else/manifests/v1', {
        headers: { 'Content-Type': other.mediaType },
        body: other.bytes,
      })
      assert.deepEqual([put.status, put.code()], [400, 'MANIFEST_BLOB_UNKNOWN'])

      await using out = await temporaryDirectory()
      const target = join(out.path, 'export')
      await exportTo(b, target)
      const files = await readdir(target, { recursive: true })
      const data = files.filter((file) => file.endsWith('data'))
      assert.equal(data.length, mine.blobs.length + 1)
      assert.ok(!files.some((file) => file.includes('else')))
    })
  }
})

describe('a mirror that may be stale for a time only', () => {
  it('keeps its tags back when nobody confirms them for longer, over a restart too, and says so', async () => {
    await using a = await TestNode.start()
    const image = randomImage()
    await a.client.pushImage('app', image, { tag: 'v1' })
    await using b = await TestNode.start({
      mirrors: [{ key: a, replicate: 'full', maxStale: '1s' }],
    })
    await b.copies(a)
    await b.client.pullsExactly('app', 'v1', image)
    await a.stop()
    await b.restart()
    const { mirrors } = await b.until(
      (status) => status.mirrors[0]?.state === 'outdated',
      'a mirror that is out of date',
    )
    assert.match(mirrors[0]!.error ?? '', /longer than maxStale/)
    const tag = await b.client.call('GET', '/v2/app/manifests/v1')
    assert.deepEqual([tag.status, tag.code()], [404, 'MANIFEST_UNKNOWN'])
    const catalog = await b.client.expect(200, 'GET', '/v2/_catalog')
    assert.deepEqual(catalog.json(), { repositories: [] })
    const warning = catalog.headers.get('warning') ?? ''
    assert.match(warning, new RegExp(`^299 - "mirror ${a.name} is out of date and not listed: `))
    await b.client.pullsExactly('app', image.digest, image)

    await a.restart({ peers: [b] })
    await eventually(
      async () => (await b.client.digestOf('app', 'v1')) === image.digest,
      'the tag, confirmed',
    )
  })
})

describe('the deadline of a mirror', () => {
  it('is the one of the configuration', async () => {
    await using a = await TestNode.start()
    const image = randomImage()
    await a.client.pushImage('app', image, { tag: 'v1' })
    await using b = await TestNode.start({ mirrors: [{ key: a, deadline: '100ms' }] })
    await b.follows(a)
    // The source loses the manifest, and takes longer than that to say so: it is asked three times.
    await a.stop()
    {
      await using disk = await openDisk(a.data)
      const key = Buffer.from(image.digest.slice(7), 'hex')
      await disk.state.write([{ key: Buffer.concat([Buffer.from('b/'), key]), value: undefined }])
    }
    await a.restart({ peers: [b] })
    await eventually(async () => (await b.status()).network.peers.length > 0, 'the source')
    assert.equal((await b.client.call('GET', `/v2/app/manifests/${image.digest}`)).status, 404)
    const { mirrors } = await b.status()
    assert.match(mirrors[0]!.error ?? '', /did not answer within 100 ms/)
  })
})
