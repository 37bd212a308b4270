import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { MemoryBlockstore } from 'blockstore-core'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { FetchedBlocks } from '../../src/blocks/block-source.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { TreeSource } from '../../src/tree/source.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import type { ImporterOptions } from 'ipfs-unixfs-importer'
import type { RegistryReader } from '../../src/registry/ports.ts'

const layer = randomFillSync(Buffer.alloc(700_000))
const config = Buffer.from('{}')
const image = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(config), size: 2 },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: digestOf(layer),
        size: layer.length,
      },
    ],
  }),
)

/** The files of a stock registry's directory that holds one image, with the uploads it leaves lying about. */
function stockFiles(name: string, tags: number): { path: string; content: Uint8Array }[] {
  const root = 'docker/registry/v2'
  const digest = digestOf(image)
  const repository = `${root}/repositories/${name}`
  const link = (path: string, to: string): { path: string; content: Uint8Array } => ({
    path: `${path}/link`,
    content: Buffer.from(to),
  })
  const blobs = [layer, config, image].map((content) => {
    const hex = hexOf(digestOf(content))
    return { path: `${root}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, content }
  })
  const layers = [layer, config].map((content) =>
    link(`${repository}/_layers/sha256/${hexOf(digestOf(content))}`, digestOf(content)),
  )
  const tagged = Array.from({ length: tags }, (_, i) => [
    link(`${repository}/_manifests/tags/v${i}/current`, digest),
    link(`${repository}/_manifests/tags/v${i}/index/sha256/${hexOf(digest)}`, digest),
  ]).flat()
  return [
    ...blobs,
    ...layers,
    ...tagged,
    link(`${repository}/_manifests/revisions/sha256/${hexOf(digest)}`, digest),
    { path: `${repository}/_uploads/0d0e/startedat`, content: Buffer.from('2026-01-01T00:00:00Z') },
  ]
}

async function readerOver(
  files: { path: string; content: Uint8Array }[],
  options: ImporterOptions,
): Promise<RegistryReader> {
  const remote = new MemoryBlockstore()
  const results = await Array.fromAsync(
    importer(files, remote, { ...options, wrapWithDirectory: true }),
  )
  const root = results.find((result) => result.path === '')
  assert.ok(root)
  const blocks = new FetchedBlocks(new MemoryBlocks(), async (cid) =>
    Buffer.concat(await Array.fromAsync(remote.get(cid))),
  )
  const reader = new TreeSource(
    'stock',
    () => root.cid,
    new DirectoryReader(blocks, new NodeCache()),
  ).reader()
  assert.ok(reader)
  return reader
}

const forms: [string, ImporterOptions][] = [
  [
    'CIDv0, dag-pb leaves of 256 KiB',
    { cidVersion: 0, rawLeaves: false, chunker: fixedSize({ chunkSize: 262_144 }) },
  ],
  [
    'CIDv1, raw leaves of 64 KiB',
    { cidVersion: 1, rawLeaves: true, chunker: fixedSize({ chunkSize: 65_536 }) },
  ],
  ['the profile that we write', { profile: 'unixfs-v1-2025' }],
  ['a HAMT of fanout 16 from the first entry', { shardSplitThresholdBytes: 0, shardFanoutBits: 4 }],
  [
    'a HAMT of fanout 1024 from the first entry',
    { shardSplitThresholdBytes: 0, shardFanoutBits: 10 },
  ],
]

describe("a stock registry's directory in IPFS", () => {
  for (const [form, options] of forms) {
    it(`is read as a registry: ${form}`, async () => {
      const reader = await readerOver(stockFiles('library/busybox', 40), options)
      const name = parseName('library/busybox')
      assert.deepEqual(await reader.repositories(), ['library/busybox'])
      assert.equal((await reader.tags(name))?.length, 40)
      assert.equal(await reader.resolveTag(name, parseTag('v7')), digestOf(image))
      assert.equal(await reader.resolveTag(name, parseTag('v77')), undefined)
      for (const content of [layer, config]) {
        const blob = await reader.blob(name, digestOf(content))
        assert.ok(blob)
        assert.equal(blob.size, content.length)
        assert.deepEqual(Buffer.concat(await Array.fromAsync(blob.open())), content)
      }
      const manifest = await reader.manifest(name, digestOf(image))
      assert.deepEqual(Buffer.concat(await Array.fromAsync(manifest!.open())), image)
      const part = { offset: 262_100, length: 100 }
      const blob = await reader.blob(name, digestOf(layer))
      assert.deepEqual(
        Buffer.concat(await Array.fromAsync(blob!.open({ range: part }))),
        layer.subarray(262_100, 262_200),
      )
    })
  }

  it('knows a blob only where it is linked', async () => {
    const reader = await readerOver(stockFiles('a', 1), {})
    assert.ok(await reader.blob(parseName('a'), digestOf(layer)))
    assert.equal(await reader.blob(parseName('b'), digestOf(layer)), undefined)
    assert.equal(await reader.manifest(parseName('a'), digestOf(layer)), undefined)
    assert.equal(await reader.tags(parseName('b')), undefined)
  })

  it('says that a CID proves its digest only when it does', async () => {
    const raw = await readerOver(stockFiles('a', 1), { profile: 'unixfs-v1-2025' })
    assert.equal((await raw.blob(parseName('a'), digestOf(layer)))?.proven, true)
    const wrapped = await readerOver(stockFiles('a', 1), { cidVersion: 0, rawLeaves: false })
    assert.equal((await wrapped.blob(parseName('a'), digestOf(layer)))?.proven, false)
  })
})
