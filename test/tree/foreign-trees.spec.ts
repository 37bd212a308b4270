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
import { createRegistry } from '../support/registry-setup.ts'
import type { ImporterOptions } from 'ipfs-unixfs-importer'
import type { RegistryReader } from '../../src/registry/ports.ts'

const ROOT = 'docker/registry/v2'
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
  const repository = `${ROOT}/repositories/${name}`
  const layers = [layer, config].map((content) =>
    link(`${repository}/_layers/sha256/${hexOf(digestOf(content))}`, digestOf(content)),
  )
  return [
    ...[layer, config].map(dataFile),
    ...layers,
    ...Array.from({ length: tags }, (_, i) => tagFiles(name, `v${i}`, image)).flat(),
    ...manifestFiles(name, image),
    { path: `${repository}/_uploads/0d0e/startedat`, content: Buffer.from('2026-01-01T00:00:00Z') },
  ]
}

function link(path: string, to: string): { path: string; content: Uint8Array } {
  return { path: `${path}/link`, content: Buffer.from(to) }
}

function dataFile(content: Uint8Array): { path: string; content: Uint8Array } {
  const hex = hexOf(digestOf(content))
  return { path: `${ROOT}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, content }
}

function manifestFiles(name: string, content: Uint8Array): { path: string; content: Uint8Array }[] {
  const revisions = `${ROOT}/repositories/${name}/_manifests/revisions`
  const digest = digestOf(content)
  return [dataFile(content), link(`${revisions}/sha256/${hexOf(digest)}`, digest)]
}

function tagFiles(
  name: string,
  tag: string,
  content: Uint8Array,
): { path: string; content: Uint8Array }[] {
  const directory = `${ROOT}/repositories/${name}/_manifests/tags/${tag}`
  const digest = digestOf(content)
  return [
    link(`${directory}/current`, digest),
    link(`${directory}/index/sha256/${hexOf(digest)}`, digest),
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

  it('has its referrers under fallback tags, for a mirror as for a client of it', async () => {
    const name = parseName('library/busybox')
    const subject = digestOf(image)
    const descriptor = (content: Buffer) => ({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: digestOf(content),
      size: content.length,
    })
    const json = (value: object): Buffer =>
      Buffer.from(JSON.stringify({ schemaVersion: 2, ...value }))
    const signature = json({
      config: { ...descriptor(config), mediaType: 'application/vnd.test.signature' },
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      layers: [],
      subject: descriptor(image),
      annotations: { by: 'cosign' },
    })
    const index = json({
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [descriptor(signature), descriptor(Buffer.from('gone')), descriptor(image)],
    })
    const files = [
      ...stockFiles(name, 1),
      ...[signature, index].flatMap((content) => manifestFiles(name, content)),
      ...tagFiles(name, `sha256-${hexOf(subject)}`, index),
    ]
    const reader = await readerOver(files, { cidVersion: 0, rawLeaves: false })
    const mirror = { name: 'stock', reader: () => reader }
    const { service } = await createRegistry({ mirrors: [mirror] })
    assert.deepEqual(await service.listReferrers(name, subject), {
      manifests: [
        {
          ...descriptor(signature),
          artifactType: 'application/vnd.test.signature',
          annotations: { by: 'cosign' },
        },
      ],
      more: false,
      notices: [],
    })
  })

  it('says that a CID proves its digest only when it does', async () => {
    const raw = await readerOver(stockFiles('a', 1), { profile: 'unixfs-v1-2025' })
    assert.equal((await raw.blob(parseName('a'), digestOf(layer)))?.proven, true)
    const wrapped = await readerOver(stockFiles('a', 1), { cidVersion: 0, rawLeaves: false })
    assert.equal((await wrapped.blob(parseName('a'), digestOf(layer)))?.proven, false)
  })
})
