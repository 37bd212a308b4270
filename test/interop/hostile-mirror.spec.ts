import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { openDisk } from '../support/disk.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode } from '../support/two-nodes.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Disk } from '../support/disk.ts'
import type { RandomManifest } from '../support/random-image.ts'

/*
 * The liar is a real node that publishes under its own key. Its tree was drawn below all rules: it says of some digests
 * what is not true. The honest node has the true content, and `b` asks the liar first.
 */

const NAME = parseName('app')

/** Draws into a tree that `digest` is these bytes. */
async function link(disk: Disk, digest: Digest, bytes: Uint8Array): Promise<void> {
  const stored = await disk.contents.write(bytes, digestOf(bytes))
  await disk.lane.transact((tx) => tx.linkBlob(NAME, { ...stored, digest }))
}

/** The same for a manifest, and a tag that points to it. */
async function tag(disk: Disk, name: string, digest: Digest, bytes: Uint8Array): Promise<void> {
  const stored = await disk.contents.write(bytes, digestOf(bytes))
  await disk.lane.transact(async (tx) => {
    await tx.putManifest(NAME, { ...stored, digest })
    await tx.setTag(NAME, parseTag(name), digest)
  })
}

/** A node whose tree is drawn by `draw`. */
async function liarWith(draw: (disk: Disk) => Promise<void>): Promise<TestNode> {
  const liar = await TestNode.start()
  await liar.stop()
  {
    await using disk = await openDisk(liar.data)
    await draw(disk)
  }
  await liar.restart()
  return liar
}

type Outcome = Buffer | number | 'cut'

/** What a client gets of a blob: the bytes, a refusal, or a connection that broke before they were complete. */
async function pull(node: TestNode, digest: string, headers = {}): Promise<Outcome> {
  try {
    const { status, body } = await node.client.call('GET', `/v2/app/blobs/${digest}`, { headers })
    return status === 200 || status === 206 ? body : status
  } catch (error) {
    if (error instanceof TypeError) return 'cut' // what fetch throws when the connection ends early
    throw error
  }
}

/** Whatever came was right, or did not come whole; and it was not called missing, since the honest one has it. */
function isTrueOrCut(outcome: Outcome, wanted: Uint8Array): void {
  if (!Buffer.isBuffer(outcome))
    return assert.notEqual(outcome, 404, 'the next mirror has it, and the answer is 404')
  assert.ok(outcome.equals(wanted), `${outcome.length} bytes that are not the content`)
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = copy[at]! ^ 1
  return copy
}

const SMALL = 5000
const LARGE = 3_300_000

const LIES: [what: string, size: number, lie: (truth: Uint8Array) => Uint8Array][] = [
  ['other bytes of the same length', SMALL, () => randomBytes(SMALL)],
  ['a part of the bytes', SMALL, (truth) => truth.subarray(0, SMALL - 1)],
  ['the bytes and one more', SMALL, (truth) => Buffer.concat([truth, Buffer.from('!')])],
  ['nothing', SMALL, () => new Uint8Array()],
  ['bytes of which the first is wrong', LARGE, (truth) => flipped(truth, 0)],
  ['bytes of which the last is wrong', LARGE, (truth) => flipped(truth, LARGE - 1)],
  ['the first blocks of the bytes', LARGE, (truth) => truth.subarray(0, 2 * 1024 * 1024)],
]

const BLOBS = LIES.flatMap(([what, size, lie]) => {
  const [whole, part] = [randomBytes(size), randomBytes(size)]
  return [
    { what, truth: whole, lie: lie(whole), isRange: false },
    { what, truth: part, lie: lie(part), isRange: true },
  ]
})

const MANIFESTS: { what: string; image: RandomManifest; lie: Uint8Array }[] = [
  { what: 'another manifest', image: randomImage(), lie: randomImage().bytes },
  { what: 'bytes that are no manifest', image: randomImage(), lie: Buffer.from('{}') },
  { what: 'nothing', image: randomImage(), lie: new Uint8Array() },
  {
    what: 'more than a manifest may have',
    image: randomImage(),
    lie: Buffer.alloc(5 * 1024 * 1024, ' '),
  },
]

const LONELY = randomBytes(LARGE)

async function drawLies(disk: Disk): Promise<void> {
  for (const { truth, lie } of BLOBS) await link(disk, digestOf(truth), lie)
  for (const [index, { image, lie }] of MANIFESTS.entries()) {
    for (const blob of image.blobs) await link(disk, blob.digest, blob.bytes)
    await tag(disk, `m${index}`, image.digest, lie)
  }
  await link(disk, digestOf(LONELY), flipped(LONELY, LARGE / 2))
}

describe('a mirror that says of a digest what is not true (I5)', () => {
  const stack = new AsyncDisposableStack()
  let liar: TestNode
  let honest: TestNode
  let b: TestNode

  before(async () => {
    liar = stack.use(await liarWith(drawLies))
    honest = stack.use(await TestNode.start())
    for (const { truth } of BLOBS) await honest.client.pushBlob('app', truth)
    for (const [index, { image }] of MANIFESTS.entries())
      await honest.client.pushImage('app', image, { tag: `m${index}` })
    b = stack.use(await TestNode.start({ mirrors: [liar, honest] }))
    await b.follows(liar)
    await b.follows(honest)
  })
  after(() => stack.disposeAsync())

  for (const { what, truth, lie, isRange } of BLOBS) {
    const asked = isRange ? 'a range' : 'the whole'
    it(`gives no client ${what} (${lie.length} bytes for ${truth.length}) for ${asked}; the next one is asked`, async () => {
      const headers = isRange ? { Range: 'bytes=0-99' } : {}
      const wanted = isRange ? truth.subarray(0, 100) : truth
      const digest = digestOf(truth)
      isTrueOrCut(await pull(b, digest, headers), wanted)
      const second = await pull(b, digest, headers)
      assert.ok(Buffer.isBuffer(second), `the second pull is ${String(second)}`)
      isTrueOrCut(second, wanted)
    })
  }

  for (const [index, { what, image }] of MANIFESTS.entries()) {
    it(`does not serve ${what} for a manifest's tag or digest; the next one does`, async () => {
      await b.client.pullsExactly('app', `m${index}`, image)
      await b.client.pullsExactly('app', image.digest, image)
    })
  }

  it('is not believed when nobody else has it: 404 once the lie was seen, and a push mends it', async () => {
    const digest = digestOf(LONELY)
    assert.equal(await pull(b, digest), 'cut')
    assert.equal(await pull(b, digest), 404)
    await b.client.pushBlob('app', LONELY)
    assert.equal(digestOf(await b.client.blob('app', digest)), digest)
  })

  it('leaves its manifests unknown when no other mirror has them', async () => {
    await b.restart({ mirrors: [liar] })
    await b.follows(liar)
    for (const [index, { image }] of MANIFESTS.entries()) {
      for (const reference of [`m${index}`, image.digest]) {
        const answer = await b.client.call('GET', `/v2/app/manifests/${reference}`)
        assert.deepEqual([answer.status, answer.code()], [404, 'MANIFEST_UNKNOWN'])
      }
    }
  })

  it('does not get its bytes adopted by a push', async () => {
    const image = randomImage({ layers: [2_300_000] })
    const layer = image.blobs[1]!
    await using other = await liarWith((disk) =>
      link(disk, layer.digest, flipped(layer.bytes, 2_000_000)),
    )
    await other.client.pushBlob('app', image.blobs[0]!.bytes)
    await using c = await TestNode.start({ mirrors: [other] })
    await c.follows(other)
    const put = await c.client.call('PUT', '/v2/app/manifests/mine', {
      headers: { 'Content-Type': image.mediaType },
      body: image.bytes,
    })
    assert.deepEqual([put.status, put.code()], [400, 'MANIFEST_BLOB_UNKNOWN'])
    assert.equal(await c.client.digestOf('app', 'mine'), undefined)
    await c.client.pushImage('app', image, { tag: 'mine' })
    await other.stop()
    await c.client.pullsExactly('app', 'mine', image)
  })
})
