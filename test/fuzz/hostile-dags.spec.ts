import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { LocalBlocks } from '../../src/blocks/block-source.ts'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { fileSize, readFile } from '../../src/blocks/file-reader.ts'
import { NodeFormatError } from '../../src/blocks/nodes.ts'
import { digestOf, parseDigest } from '../../src/oci/digest.ts'
import { isRegistryError } from '../../src/oci/errors.ts'
import { parseName, parseTag, tryParseName } from '../../src/oci/name.ts'
import { advanceTree } from '../../src/tree/advance.ts'
import { DirectoryReader } from '../../src/tree/directory.ts'
import { exportTrees } from '../../src/tree/export.ts'
import { slotOf } from '../../src/tree/hamt.ts'
import { NodeCache } from '../../src/tree/node-cache.ts'
import { TreeReader } from '../../src/tree/reader.ts'
import { RootView } from '../../src/tree/view.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { atRegistry, makeDag, nodePlans } from './hostile-dag.ts'
import { laterOutcome } from './properties.ts'
import type { CID } from 'multiformats/cid'
import type { MemoryBlocks } from '../support/memory-blocks.ts'

/** What a tree that is broken or hostile may end in; a deadline ends what would go on for long. */
function isBroken(error: unknown): boolean {
  const isLate = error instanceof DOMException && error.name === 'TimeoutError'
  return error instanceof NodeFormatError || error instanceof MissingBlockError || isLate
}

const dag = fc.tuple(nodePlans, fc.oneof(fc.constant(-1), fc.nat(11)))
const soon = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(200) })

function directoriesOf(blocks: MemoryBlocks): DirectoryReader {
  return new DirectoryReader(new LocalBlocks(blocks), new NodeCache())
}

describe('a heap of nodes that link each other as it comes (properties)', () => {
  it('read as a file, gives as many bytes as it says, in whole and in part, or is broken', async () => {
    await fc.assert(
      fc.asyncProperty(dag, fc.nat(30), fc.nat(30), async ([plans, missing], first, count) => {
        const { blocks, cids } = await makeDag(plans, missing)
        const source = new LocalBlocks(blocks)
        for (const cid of cids) {
          const whole = await laterOutcome(() => collect(readFile(source, cid, soon())), isBroken)
          if (whole === undefined) continue
          assert.equal(await fileSize(source, cid), whole.length)
          const offset = Math.min(first, whole.length)
          const length = Math.min(count, whole.length - offset)
          const part = await collect(readFile(source, cid, { range: { offset, length } }))
          assert.deepEqual(part, whole.subarray(offset, offset + length))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('read as a directory, lists what it looks up, or is broken', async () => {
    await fc.assert(
      fc.asyncProperty(dag, async ([plans, missing]) => {
        const { blocks, cids } = await makeDag(plans, missing)
        const reader = directoriesOf(blocks)
        for (const cid of cids) {
          const names = await laterOutcome(() => namesOf(reader, cid), isBroken)
          for (const name of [...(names ?? []), 'link', '..', '__proto__']) {
            const found = await laterOutcome(() => reader.lookup(cid, name, soon()), isBroken)
            if (names !== undefined && found !== undefined) assert.ok(names.includes(name))
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('read as a registry, answers every question in time, or is broken', async () => {
    const [app, v1] = [parseName('app'), parseTag('v1')]
    const digest = parseDigest(`sha256:${'a'.repeat(64)}`)
    await fc.assert(
      fc.asyncProperty(dag, async ([plans, missing]) => {
        const { blocks, cids } = await makeDag(plans, missing)
        const root = await atRegistry(blocks, cids[0]!)
        const view = new RootView(root, directoriesOf(blocks))
        const reader = new TreeReader('evil', view, new LocalBlocks(blocks))
        const found = await laterOutcome(() => reader.repositories(soon()), isBroken)
        assert.ok((found ?? []).every((name) => tryParseName(name) !== undefined))
        await laterOutcome(() => reader.tags(app, soon()), isBroken)
        await laterOutcome(() => reader.resolveTag(app, v1, soon()), isBroken)
        await laterOutcome(() => reader.referrers(app, digest, soon()), isBroken)
        for (const kind of ['manifest', 'blob'] as const) {
          const content = await laterOutcome(() => reader[kind](app, digest, soon()), isBroken)
          if (content === undefined) continue
          const bytes = await laterOutcome(() => collect(content.open(soon())), isBroken)
          if (bytes !== undefined) assert.equal(bytes.length, content.size)
          if (content.proven === true) assert.equal(digestOf(bytes ?? Buffer.alloc(0)), digest)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('followed from one to another, is followed to its end, or refused', async () => {
    await fc.assert(
      fc.asyncProperty(dag, fc.nat(11), async ([plans, missing], other) => {
        const { blocks, cids } = await makeDag(plans, missing)
        const parts = { reader: directoriesOf(blocks), isKept: (cid: CID) => blocks.has(cid) }
        const move = () => advanceTree(parts, cids[0]!, cids[other % cids.length], soon())
        await laterOutcome(move, (error) => isBroken(error) || /too much/.test(String(error)))
      }),
      { numRuns: 200 },
    )
  })

  it('exported, writes nothing outside of its directory', async () => {
    await using directory = await temporaryDirectory()
    let round = 0
    await fc.assert(
      fc.asyncProperty(dag, async ([plans, missing]) => {
        const { blocks, cids } = await makeDag(plans, missing)
        const root = await atRegistry(blocks, cids[0]!)
        const tree = { name: 'evil', root, directories: directoriesOf(blocks) }
        const target = join(directory.path, String(round++), 'in', 'here')
        const work = () => Array.fromAsync(exportTrees([tree], target, soon()))
        const isRefused = (error: unknown): boolean =>
          isRegistryError(error, 'UNAVAILABLE') || isBroken(error)
        const written = await laterOutcome(work, isRefused)
        assert.deepEqual(await readdir(join(directory.path, String(round - 1))), ['in'])
        assert.deepEqual(await readdir(join(directory.path, String(round - 1), 'in')), ['here'])
        if (written !== undefined && written.length === 0)
          assert.deepEqual(await readdir(target), [])
      }),
      { numRuns: 200 },
    )
    assert.equal((await readdir(directory.path)).length, round)
  })
})

describe('the slots of a HAMT (properties)', () => {
  it('are the digits of the hash in the base of the fanout', () => {
    const hash = fc.uint8Array({ minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(hash, fc.nat(25), fc.integer({ min: 3, max: 10 }), (bytes, level, bits) => {
        const all = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
        const shift = 64 - (level + 1) * bits
        const expected =
          shift < 0 ? undefined : Number((all >> BigInt(shift)) & BigInt(2 ** bits - 1))
        assert.equal(slotOf(bytes, level, 2 ** bits), expected)
      }),
    )
  })
})

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(source))
}

async function namesOf(reader: DirectoryReader, cid: CID): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of reader.list(cid, soon())) names.push(name)
  return names
}
