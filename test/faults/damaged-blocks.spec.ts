import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { layout } from '../../src/tree/layout.ts'
import { openDisk } from '../support/disk.ts'
import { jsonPiece, randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import type { RandomManifest } from '../support/random-image.ts'
import type { Path } from '../../src/tree/layout.ts'

/** The files of the block store. */
async function blockFiles(node: TestNode): Promise<Set<string>> {
  const directory = join(node.data, 'blocks')
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return new Set(files.map((file) => join(file.parentPath, file.name)))
}

/** Pushes, and tells which block files came with it. */
async function filesOf(node: TestNode, push: () => Promise<unknown>): Promise<string[]> {
  const before = await blockFiles(node)
  await push()
  return [...(await blockFiles(node))].filter((file) => !before.has(file))
}

type Damage = (file: string) => Promise<void>

const DAMAGES: [string, Damage][] = [
  [
    'one bit flipped',
    async (file) => {
      const bytes = await readFile(file)
      bytes[bytes.length >> 1]! ^= 1
      await writeFile(file, bytes)
    },
  ],
  ['its end cut off', (file) => truncate(file, 1000)],
  ['nothing in it', (file) => truncate(file, 0)],
  [
    'other bytes of the same length',
    async (file) => writeFile(file, randomBytes((await readFile(file)).length)),
  ],
  ['been removed', (file) => rm(file)],
]

/** What a GET came to. Whatever it is, a body that came whole is right. */
async function outcome(node: TestNode, path: string, wanted: Uint8Array): Promise<number | 'cut'> {
  try {
    const { status, body } = await node.client.call('GET', path)
    if (status === 200) assert.ok(body.equals(wanted), 'a complete answer with other bytes')
    return status
  } catch (error) {
    if (error instanceof TypeError) return 'cut'
    throw error
  }
}

function isFailure(found: number | 'cut'): void {
  assert.ok(found === 'cut' || found >= 500, `it is answered with ${found}`)
}

describe('F08: a block file on the disk that has', () => {
  for (const [what, damage] of DAMAGES) {
    it(`${what} never gives wrong bytes nor a 404, and is mended by a push`, async () => {
      await using node = await TestNode.start()
      const { client } = node
      const sizes = [20_000, 1_048_576, 3_300_000]
      const untouched = randomImage({ layers: [50_000] })
      await client.pushImage('app', untouched, { tag: 'whole' })
      for (const size of sizes) {
        const bytes = randomBytes(size)
        const path = `/v2/app/blobs/${digestOf(bytes)}`
        const files = await filesOf(node, () => client.pushBlob('app', bytes))
        assert.ok(files.length > 0)
        await damage(files.at(-1)!)
        isFailure(await outcome(node, path, bytes))
        isFailure(await outcome(node, path, bytes))
        const { status } = await client.call('HEAD', path)
        assert.ok(status === 200 || status >= 500, `HEAD is answered with ${status}`)
        await client.pullsExactly('app', 'whole', untouched)
        await client.pushBlob('app', bytes)
        assert.equal(await outcome(node, path, bytes), 200)
      }
    })
  }

  it('the bytes of a manifest damaged is 503 by tag and digest, and mended by a push', async () => {
    await using node = await TestNode.start()
    const { client } = node
    const image = largeManifest()
    for (const blob of image.blobs) await client.pushBlob('app', blob.bytes)
    const [file] = await filesOf(node, () => client.putManifest('app', 'v1', image))
    await writeFile(file ?? assert.fail(), 'rot')
    for (const reference of ['v1', image.digest]) {
      const answer = await client.call('GET', `/v2/app/manifests/${reference}`)
      assert.deepEqual([answer.status, answer.code()], [503, 'UNAVAILABLE'])
    }
    await client.putManifest('app', 'v1', image)
    await client.pullsExactly('app', 'v1', image)
  })
})

describe('F09: a directory of the tree that is damaged', () => {
  it('answers 503 and not 404, and is never written over with an empty one', async () => {
    await using node = await TestNode.start()
    const { client } = node
    const images = [randomImage(), randomImage()]
    for (const [n, image] of images.entries())
      await client.pushImage('app', image, { tag: `v${n}` })
    await client.pushImage('other', images[0]!, { tag: 'v' })
    await node.stop()
    const key = await nodeKey(node, layout.tags(parseName('app')))
    const sound = await exchange(node, key, Buffer.from('rot'))
    await node.restart()

    for (const path of [
      '/v2/app/manifests/v0',
      '/v2/app/manifests/never-was',
      '/v2/app/tags/list',
    ]) {
      const answer = await client.call('GET', path)
      assert.deepEqual([answer.status, answer.code()], [503, 'UNAVAILABLE'], path)
      assert.doesNotMatch(answer.body.toString(), /\bat |node:|\/blocks/)
    }
    const { storage } = await node.status()
    const headers = { 'Content-Type': images[1]!.mediaType }
    const put = await client.call('PUT', '/v2/app/manifests/v2', {
      headers,
      body: images[1]!.bytes,
    })
    assert.equal(put.status, 503)
    assert.equal((await client.call('DELETE', '/v2/app/manifests/v0')).status, 503)
    assert.equal((await node.status()).storage.root, storage.root)
    // The rest of the registry is served and takes pushes.
    await client.pullsExactly('other', 'v', images[0]!)
    await client.pushImage('other', images[1]!, { tag: 'more' })
    await client.pullsExactly('app', images[0]!.digest, images[0]!)

    await node.stop()
    await exchange(node, key, sound)
    await node.restart()
    for (const [n, image] of images.entries()) await client.pullsExactly('app', `v${n}`, image)
  })
})

/** A manifest of more than 16 KiB: a file of the block store. */
function largeManifest(): RandomManifest {
  const image = randomImage()
  const body = JSON.parse(Buffer.from(image.bytes).toString()) as object
  const annotations = { filler: randomBytes(20_000).toString('hex') }
  return { ...image, ...jsonPiece({ ...body, annotations }, image.mediaType) }
}

/** The key under which the state database has the node of a directory. */
async function nodeKey(node: TestNode, path: Path): Promise<Uint8Array> {
  await using disk = await openDisk(node.data)
  let cid = disk.lane.root
  for (const segment of path)
    cid = (await disk.directories.lookup(cid, segment))?.cid ?? assert.fail(`no ${segment}`)
  return Buffer.concat([Buffer.from('b/'), cid.multihash.digest])
}

/** Puts another value in the place of one; returns the one that was there. */
async function exchange(node: TestNode, key: Uint8Array, value: Uint8Array): Promise<Uint8Array> {
  await using disk = await openDisk(node.data)
  const before = (await disk.state.get(key)) ?? assert.fail('there is no such key')
  await disk.state.write([{ key, value }])
  return before
}
