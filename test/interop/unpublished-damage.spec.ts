import assert from 'node:assert/strict'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exportOffline } from '../../src/daemon.ts'
import { checkOffline } from '../../src/daemon/check-offline.ts'
import { RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { hexOf } from '../../src/oci/digest.ts'
import { heliport, scratch } from '../cli/support.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode, eventually } from '../support/two-nodes.ts'
import { NOTHING, Stranger } from './stranger.ts'
import type { FsckReport } from '../../src/daemon/fsck-report.ts'

const env = {
  REGISTRY_REPOSITORIES: JSON.stringify([{ match: ['secret/**'], publish: false }]),
  REGISTRY_SCRUB_INTERVAL: '',
}
const offline = {
  env: { REGISTRY_NETWORK_MODE: 'offline' },
  daemon: { checkOffline, exportOffline },
}

async function fsck(node: TestNode, ...options: string[]): Promise<FsckReport> {
  const { stdout } = await heliport(['fsck', '--json', '--data', node.data, ...options], offline)
  return JSON.parse(stdout) as FsckReport
}

describe('a damaged block of a repository that is not published', () => {
  it('is not asked for in the network, where others have it, whoever finds it; a push mends it', async () => {
    await using other = await TestNode.start()
    await using node = await TestNode.start({ env, peers: [other] })
    const image = randomImage({ layers: [20_000] })
    const layer = image.blobs[1] ?? assert.fail('an image without layers')
    await other.client.pushImage('team/app', image, { tag: 'v1' })
    await node.client.pushImage('secret/app', image, { tag: 'v1' })
    await node.until(({ network }) => network.peers.length > 0, 'they are connected')
    const hash = hexOf(layer.digest)
    await writeFile(join(node.data, 'blocks', hash.slice(0, 2), hash), 'rot')
    const pull = () => node.client.call('GET', `/v2/secret/app/blobs/${layer.digest}`)
    assert.equal((await pull()).status, 503)
    const { damaged, mended } = await fsck(node, '--repair')
    assert.deepEqual([damaged, mended], [1, 0])
    assert.equal((await pull()).status, 503)
    await using stranger = await Stranger.meet(node.address)
    assert.deepEqual(await stranger.hear(cidFromHash(RAW, sha256(layer.bytes))), NOTHING)
    await node.client.pushBlob('secret/app', layer.bytes)
    await node.client.pullsExactly('secret/app', 'v1', image)
    assert.deepEqual(await stranger.hear(cidFromHash(RAW, sha256(layer.bytes))), NOTHING)
    assert.equal((await fsck(node)).damaged, 0)
  })

  it('comes back when the repository is published', async () => {
    await using other = await TestNode.start()
    await using node = await TestNode.start({ peers: [other] })
    const image = randomImage({ layers: [20_000] })
    const layer = image.blobs[1] ?? assert.fail('an image without layers')
    await other.client.pushImage('team/app', image, { tag: 'v1' })
    await node.client.pushImage('secret/app', image, { tag: 'v1' })
    await node.until(({ network }) => network.peers.length > 0, 'they are connected')
    const hash = hexOf(layer.digest)
    await writeFile(join(node.data, 'blocks', hash.slice(0, 2), hash), 'rot')
    await eventually(
      async () =>
        (await node.client.call('GET', `/v2/secret/app/blobs/${layer.digest}`)).status === 200,
      'the block',
    )
  })
})

describe('an export', () => {
  const FILES = /\/(link|data)$/
  const files = async (directory: string): Promise<Map<string, string>> => {
    const names = await readdir(directory, { recursive: true })
    const whole = names.filter((name) => FILES.test(`/${name}`)).toSorted()
    return new Map(
      await Promise.all(
        whole.map(async (name) => [name, await readFile(join(directory, name), 'hex')] as const),
      ),
    )
  }
  const exported = async (node: TestNode, to: string): Promise<Map<string, string>> => {
    const { code, stderr } = await heliport(['export', to, '--data', node.data], offline)
    assert.equal(code, 0, stderr)
    return files(to)
  }

  it('has what is not published, with a daemon and without; that of a mirror of ours does not', async () => {
    await using directory = await scratch()
    const at = (name: string): string => join(directory.path, name)
    await using node = await TestNode.start({ env })
    const [secret, open] = [randomImage(), randomImage()]
    await node.client.pushImage('secret/app', secret, { tag: 'v1' })
    await node.client.pushImage('team/app', open, { tag: 'v1' })
    await using mirror = await TestNode.start({ mirrors: [{ key: node, replicate: 'full' }] })
    await mirror.copies(node)
    const theirs = await exported(mirror, at('theirs'))
    const ours = await exported(node, at('online'))
    await node.stop()
    assert.deepEqual(await exported(node, at('offline')), ours)
    const dataOf = ({ digest }: { digest: string }): string => {
      const hex = digest.replace('sha256:', '')
      return `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`
    }
    for (const piece of [secret, ...secret.blobs]) {
      assert.equal(ours.get(dataOf(piece)), Buffer.from(piece.bytes).toString('hex'))
      assert.equal(theirs.has(dataOf(piece)), false)
    }
    for (const piece of [open, ...open.blobs])
      assert.equal(theirs.get(dataOf(piece)), ours.get(dataOf(piece)))
    assert.deepEqual(
      [...theirs.keys()].filter((name) => name.includes('secret')),
      [],
    )
  })
})
