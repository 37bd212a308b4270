import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileWriter } from '../../src/blocks/file-writer.ts'
import { createHasher, digestOf } from '../../src/oci/digest.ts'
import { RegistryClient } from '../support/client.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { randomImage } from '../support/random-image.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { exportTree, publishedRoot } from './support/heliport.ts'
import { Kubo } from './support/kubo.ts'

const MIB = 1024 * 1024
/** A flat directory of tags this long becomes a HAMT at some 1500 of them. */
const LONG = 128
const TAGS = 1600
/** The first field of a UnixFS node, its type: HAMTShard (UnixFS specification, "Data format"). */
const HAMT = [0x08, 5]

describe('the same content has the same CIDs in Kubo (profile unixfs-v1-2025)', function () {
  this.timeout(180_000)
  const cleanUp = new AsyncDisposableStack()
  let directory: string
  let kubo: Kubo
  before(async () => {
    directory = cleanUp.use(await temporaryDirectory()).path
    kubo = cleanUp.use(await Kubo.start({ profile: 'unixfs-v1-2025' }))
  })
  after(() => cleanUp.disposeAsync())

  for (const size of [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB, 5 * MIB + 77]) {
    it(`a file of ${size} bytes`, async () => {
      const bytes = randomBytes(size)
      const writer = new FileWriter(new MemoryBlocks(), 'sha256')
      await writer.write(bytes)
      const { id } = await writer.finish(digestOf(bytes))
      const file = join(directory, `file-${size}`)
      await writeFile(file, bytes)
      assert.equal(await kubo.ipfs(['add', '--quieter', '--only-hash', file]), id)
    })
  }

  it('a file with more leaves than one node has links', async () => {
    const size = 1026 * MIB
    const file = join(directory, 'large')
    {
      await using made = await open(file, 'w')
      await made.truncate(size) // nothing but zeros, and no place on the disk
    }
    const writer = new FileWriter(new MemoryBlocks(), 'sha256')
    const hasher = createHasher('sha256')
    for await (const piece of createReadStream(file, { highWaterMark: MIB })) {
      hasher.update(piece as Buffer)
      await writer.write(piece as Buffer)
    }
    const { id } = await writer.finish(hasher.digest())
    assert.equal(await kubo.ipfs(['add', '--quieter', '--only-hash', file]), id)
  })

  it('a whole registry: flat directories, and a HAMT of thousands of entries', async () => {
    await using registry = await DaemonProcess.start()
    const client = new RegistryClient(registry.url)
    const layers = [0, 1, MIB, MIB + 1, 5 * MIB]
    await client.pushImage('team/app', randomImage({ layers }), { tag: 'v1' })
    const image = randomImage()
    await client.pushImage('many', image)
    const tags = Array.from({ length: TAGS }, (_, i) => String(i).padStart(LONG, 't'))
    const worker = async (): Promise<void> => {
      for (let tag = tags.pop(); tag !== undefined; tag = tags.pop())
        await client.putManifest('many', tag, image)
    }
    await Promise.all(Array.from({ length: 32 }, worker))

    const root = await publishedRoot(registry)
    const exported = join(directory, 'exported')
    await exportTree(registry, exported)
    const added = await kubo.ipfs(['add', '--recursive', '--quieter', exported])
    assert.equal(added, root)
    const { Data } = JSON.parse(
      await kubo.ipfs([
        'dag',
        'get',
        `${root}/docker/registry/v2/repositories/many/_manifests/tags`,
      ]),
    ) as { Data: { '/': { bytes: string } } }
    assert.deepEqual([...Buffer.from(Data['/'].bytes, 'base64').subarray(0, 2)], HAMT)
  })
})
