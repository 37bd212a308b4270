import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { collectOnce } from '../faults/collect-once.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { openDisk } from '../support/disk.ts'
import { drawBlob, drawManifest, liarWith } from '../support/liar.ts'
import { exportKey, importKey } from '../support/node-keys.ts'
import { randomImage } from '../support/random-image.ts'
import { TestNode, eventually } from '../support/two-nodes.ts'
import type { NodeStatus } from '../support/two-nodes.ts'

const APP = parseName('app')

describe('a full mirror that is killed in the middle', () => {
  it('goes on where it was, and has everything in the end', async function () {
    this.timeout(60_000) // two starts of a process
    await using a = await TestNode.start()
    const images = Array.from({ length: 4 }, () => randomImage({ layers: [4_000_000] }))
    for (const [n, image] of images.entries())
      await a.client.pushImage('app', image, { tag: `v${n}` })
    const config = { ipns: { readOnlyKeys: [{ key: a.name, replicate: 'full' }] } }
    await using b = await DaemonProcess.start({ peers: [a.address], config })
    const replication = async () =>
      ((await b.status()) as unknown as NodeStatus).mirrors[0]!.replication
    await eventually(async () => (await replication()).bytesDone > 2_000_000, 'a good part of it')
    await b.kill()
    await b.restart(config)
    await eventually(async () => (await replication()).state === 'complete', 'the rest of it')
    await a.stop()
    const client = new RegistryClient(b.url)
    for (const [n, image] of images.entries()) await client.pullsExactly('app', `v${n}`, image)
  })
})

describe('a full mirror of a tree with wrong claims (I5)', () => {
  it('reports them, trusts none, has all the rest, and does not become the writer with them', async () => {
    const [good, bad] = [randomImage({ layers: [40_000] }), randomImage()]
    const truth = randomBytes(2_200_000)
    const lie = Uint8Array.from(truth)
    lie[1_100_000] = lie[1_100_000]! ^ 1
    await using liar = await liarWith(async (disk) => {
      for (const blob of [...good.blobs, ...bad.blobs])
        await drawBlob(disk, APP, blob.digest, blob.bytes)
      await drawManifest(disk, APP, 'good', good)
      await drawManifest(disk, APP, 'bad', { digest: bad.digest, bytes: randomImage().bytes })
      await drawBlob(disk, APP, digestOf(truth), lie)
    })
    await using b = await TestNode.start({
      mirrors: [{ key: liar, replicate: 'full' }],
      readOnly: true,
    })
    const { mirrors } = await b.until(
      (status) => status.mirrors[0]?.replication.state === 'error',
      'the report of what is wrong',
    )
    const { replication, error } = mirrors[0]!
    assert.match(replication.error ?? '', /^2 parts of the tree are not taken, .* it hashes to /)
    assert.match(error ?? '', /it hashes to /)
    assert.equal(replication.completeRoot, null)
    assert.equal(replication.blobsTotal - replication.blobsDone, 2)
    await liar.stop()
    await b.client.pullsExactly('app', 'good', good)
    assert.equal((await b.client.call('GET', '/v2/app/manifests/bad')).status, 404)
    assert.equal((await b.client.call('GET', `/v2/app/blobs/${digestOf(truth)}`)).status, 404)

    await b.stop()
    await importKey(b, 'main', await exportKey(liar))
    await assert.rejects(
      b.restart({
        mirrors: [],
        peers: [],
        readOnly: false,
        env: { REGISTRY_IPNS_WRITEKEY: 'main' },
      }),
      /no root of it was ever complete here/,
    )
  })
})

describe('the status of a full mirror', () => {
  it('says that the source is away, and goes on when it is back', async () => {
    await using a = await TestNode.start()
    const image = randomImage({ layers: [1_500_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await using b = await TestNode.start({ mirrors: [a] })
    await b.follows(a)
    await a.stop()
    await b.restart({ mirrors: [{ key: a.name, replicate: 'full' }], peers: [a] })
    const { mirrors } = await b.until(
      (status) => status.mirrors[0]?.replication.state === 'error',
      'an error without the source',
    )
    assert.match(mirrors[0]!.replication.error ?? '', /parts cannot be had now/)
    await a.restart({ peers: [b] })
    await b.copies(a)
    await a.stop()
    await b.client.pullsExactly('app', 'v1', image)
  })

  it('is complete for as long as nothing moves, whatever was lost of it meanwhile is fetched when it is read', async () => {
    await using a = await TestNode.start()
    const image = randomImage({ layers: [30_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    await using b = await TestNode.start({ mirrors: [{ key: a, replicate: 'full' }] })
    await b.copies(a)
    await b.stop()
    {
      await using disk = await openDisk(b.data)
      const key = Buffer.from(image.blobs[0]!.digest.slice(7), 'hex')
      await disk.state.write([{ key: Buffer.concat([Buffer.from('b/'), key]), value: undefined }])
    }
    await b.restart()
    await b.copies(a)
    await b.client.pullsExactly('app', 'v1', image)
  })
})

describe('a full mirror that was none for a while', () => {
  it('does not count as complete what was collected meanwhile', async () => {
    await using a = await TestNode.start()
    const image = randomImage({ layers: [2_500_000] })
    await a.client.pushImage('app', image, { tag: 'v1' })
    const mirrors = [{ key: a, replicate: 'full' }] as const
    await using b = await TestNode.start({ mirrors, env: { REGISTRY_RETENTION_LEASE: '1s' } })
    await b.copies(a)
    await b.restart({ mirrors: [], peers: [a] })
    await eventually(
      async () => ((await collectOnce(join(b.data, 'heliport.sock'))).report?.blocks ?? 0) > 3,
      'the copy is collected',
    )
    await b.restart({ mirrors })
    await b.copies(a)
    await a.stop()
    await b.client.pullsExactly('app', 'v1', image)
  })
})
