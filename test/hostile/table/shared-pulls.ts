import assert from 'node:assert/strict'
import { get } from 'node:http'
import { digestOf } from '../../../src/oci/digest.ts'
import { layout } from '../../../src/tree/layout.ts'
import { parseName } from '../../../src/oci/name.ts'
import { honest } from '../peer/manners.ts'
import { TestPeer } from '../peer/peer.ts'
import { OwnedName } from '../peer/names.ts'
import { Blocks } from '../trees/blocks.ts'
import { bytesFrom } from '../trees/dice.ts'
import { draw, fileDraft, folderDraft, place } from '../trees/draft.ts'
import { placeLink } from '../trees/registry.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { sha256 } from '../../../src/blocks/cids.ts'

const PULLS = 100
const LEAVES = 4
const MiB = 2 ** 20

/**
 * The source keeps the last leaf to itself until every client has its first bytes: who follows gets what is here, and does
 * not wait for the whole. Then it must have been asked for each block once.
 */
export async function manyPullsAtOnce(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const source = stack.use(await TestPeer.start())
  const content = bytesFrom('a hundred pulls', LEAVES * MiB)
  const last = Buffer.from(sha256(content.subarray((LEAVES - 1) * MiB))).toString('base64')
  const begun = Promise.withResolvers<void>()
  source.manner = async (wants, hands) => {
    if (wants.some(({ cid }) => Buffer.from(cid.multihash.digest).toString('base64') === last))
      await begun.promise
    await honest(wants, hands)
  }
  const name = await publishBlob(source, content)
  const daemon = stack.use(
    await DaemonProcess.start({
      mirrors: [name],
      peers: [source.address],
      config: { ipns: { writeKey: null } },
    }),
  )
  await daemon.until(({ mirrors }) => typeof mirrors[0]?.root === 'string')
  source.reset()
  let started = 0
  const pulls = Array.from({ length: PULLS }, () =>
    pull(`${daemon.url}/v2/app/blobs/${digestOf(content)}`, () => {
      if (++started === PULLS) begun.resolve()
    }),
  )
  for (const bytes of await Promise.all(pulls)) assert.ok(bytes.equals(content))
  assert.ok(source.wanted.size >= LEAVES)
  assert.deepEqual([...new Set(source.wanted.values())], [1], 'a block was asked for twice')
}

/** Publishes a registry with one blob in `app`. @returns its name */
export async function publishBlob(source: TestPeer, content: Uint8Array): Promise<string> {
  const [root, digest] = [folderDraft(), digestOf(content)]
  place(root, layout.blobData(digest), fileDraft(content))
  placeLink(root, layout.layer(parseName('app'), digest), digest)
  const blocks = new Blocks()
  const { cid } = await draw(blocks, root)
  source.blocks = [blocks]
  const owner = await OwnedName.create()
  source.follow(owner.name)
  source.hold(owner.name, await owner.next(cid))
  return owner.name.text
}

function pull(url: string, onFirst: () => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (res) => {
      const chunks: Buffer[] = []
      res.once('data', onFirst)
      res.on('data', (chunk: Buffer) => void chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => resolve(Buffer.concat(chunks)))
    }).on('error', reject)
  })
}
