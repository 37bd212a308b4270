import assert from 'node:assert/strict'
import { join } from 'node:path'
import { pino } from 'pino'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { DAG_PB, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { KeptBlocks } from '../../src/blocks/kept-blocks.ts'
import { loadConfig } from '../../src/config/load.ts'
import { dataDirectory } from '../../src/daemon/data-directory.ts'
import { isOurs, promote } from '../../src/daemon/promotion.ts'
import { saveReplica } from '../../src/daemon/replica-state.ts'
import { openStorage } from '../../src/daemon/storage.ts'
import { saveMirrorState } from '../../src/naming/mirror-state.ts'
import { loadPublisherState, savePublisherState } from '../../src/naming/publisher-state.ts'
import { ALL_REPOSITORIES } from '../../src/oci/repository-pattern.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { Trust } from '../../src/registry/trust.ts'
import { replicateTree } from '../../src/tree/replicate.ts'
import { openDisk } from '../support/disk.ts'
import { randomImage, store } from '../support/random-image.ts'
import { NO_PROGRESS } from '../support/replica.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { CID } from 'multiformats/cid'

const OWN = 'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8'
const OTHER_ROOT = cidFromHash(DAG_PB, sha256(Buffer.from('another root')))

/** A data directory with a whole copy of somebody's tree, made under that mirror's name. */
async function copied({ mirror = OWN, sequence = 7n, newest = undefined as CID | undefined } = {}) {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await temporaryDirectory())
  const origin = stack.use(await openDisk(join(dir.path, 'origin')))
  const image = randomImage()
  const parts = { writer: origin.lane, content: origin.contents }
  await store(parts, parseName('app'), image, parseTag('v1'))
  const { root } = origin.lane
  const storage = stack.use(
    await openStorage(dataDirectory(join(dir.path, 'data')), () => Promise.resolve()),
  )
  const { blocks, directories, state } = storage
  const remote = new LocalBlocks(origin.blocks)
  const fetch = (cid: CID) => remote.get(cid)
  const replica = {
    blocks: new KeptBlocks({ store: blocks, fetch, makeRoom: () => Promise.resolve() }),
    before: directories,
    claims: new Trust({ map: state.map('trust'), now: Date.now }),
    repositories: ALL_REPOSITORIES,
    blobLimit: 2 ** 30,
  }
  await replicateTree(replica, { root, before: undefined }, { ...NO_PROGRESS })
  await saveReplica(state.map('replicas'), mirror, {
    root,
    repositories: '**',
    isWhole: true,
    key: OWN,
    completedAt: 1,
    progress: NO_PROGRESS,
  })
  const floor = { sequence, root: newest ?? root, validUntil: 2, record: '' }
  const key = mirror === OWN ? OWN : `${mirror}/${OWN}`
  await saveMirrorState(state.map('mirrors'), key, { floor })
  const { config } = await loadConfig({ env: {}, cwd: dir.path })
  const { signal } = new AbortController()
  const begin = () => promote(OWN, { config, storage, log: pino({ level: 'silent' }), signal })
  const opened = stack.move()
  return { root, storage, begin, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

describe('a promotion', () => {
  it('begins with the root of the copy, above the sequence that was seen, and is ours then', async () => {
    await using node = await copied()
    const { root, storage, begin } = node
    assert.equal(await isOurs(root, OWN, storage), false)
    await begin()
    assert.equal(storage.lane.root.toString(), root.toString())
    const state = await loadPublisherState(storage.state.map('publisher'), OWN)
    assert.deepEqual([state.sequence, state.confirmed], [7n, true])
    assert.equal(await isOurs(root, OWN, storage), true)
    await begin() // the next start
    assert.equal(storage.lane.root.toString(), root.toString())
  })

  it('finds the copy of a domain that stands for the name', async () => {
    await using node = await copied({ mirror: 'registry.example.com' })
    await node.begin()
    assert.equal(node.storage.lane.root.toString(), node.root.toString())
  })

  it('never lowers a sequence that this key has used', async () => {
    await using node = await copied({ sequence: 3n })
    const map = node.storage.state.map('publisher')
    await savePublisherState(map, OWN, { sequence: 9n, value: '/ipfs/x', confirmed: true })
    await node.begin()
    assert.equal((await loadPublisherState(map, OWN)).sequence, 9n)
  })

  it('is refused when a newer root is known that is not complete', async () => {
    await using node = await copied({ newest: OTHER_ROOT })
    await assert.rejects(node.begin(), {
      name: 'StartError',
      message: /its newest root that is known here, bafy\w+, is not complete \(bafy\w+ was\)/,
    })
    assert.equal(node.storage.lane.isNew, true)
  })

  it('is refused when what is remembered of the mirror cannot be read', async () => {
    await using node = await copied()
    await node.storage.state.map('mirrors').put(OWN, Buffer.from('{"floor":{}}'))
    await assert.rejects(node.begin(), { message: /what is remembered of it cannot be read/ })
  })

  it('is nothing for a name that was never mirrored here', async () => {
    await using node = await copied()
    await node.storage.state.map('mirrors').delete(OWN)
    await node.begin()
    assert.equal(node.storage.lane.isNew, true)
  })
})
