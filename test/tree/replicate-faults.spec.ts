import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { UnixFS } from 'ipfs-unixfs'
import * as dagPb from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import { MissingBlockError } from '../../src/blocks/block-store.ts'
import { DAG_PB, RAW, cidFromHash, sha256 } from '../../src/blocks/cids.ts'
import { encodeDirectory, encodeFileNode } from '../../src/blocks/nodes.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { openDisk } from '../support/disk.ts'
import { randomImage, store } from '../support/random-image.ts'
import { REPLICA_BLOB_LIMIT, Replica } from '../support/replica.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { Entry, NamedEntry } from '../../src/blocks/nodes.ts'
import type { Digest } from '../../src/oci/digest.ts'

const APP = parseName('app')

/** Blocks of a tree that somebody drew by hand. */
class Drawing {
  readonly blocks = new Map<string, Uint8Array>()

  raw(bytes: Uint8Array): Entry {
    const cid = cidFromHash(RAW, sha256(bytes))
    this.blocks.set(cid.toString(), bytes)
    return { cid, treeSize: bytes.length }
  }

  node({ cid, bytes, treeSize }: { cid: CID; bytes: Uint8Array; treeSize: number }): Entry {
    this.blocks.set(cid.toString(), bytes)
    return { cid, treeSize }
  }

  directory(entries: Record<string, Entry>): Entry {
    const named: NamedEntry[] = Object.entries(entries).map(([name, entry]) => ({ name, ...entry }))
    return this.node(encodeDirectory(named))
  }

  /** A tree whose `blobs/` holds these files, each under the digest that it is to be. */
  tree(blobs: readonly (readonly [Digest, Entry])[], repositories = this.directory({})): Entry {
    const prefixes = Map.groupBy(blobs, ([digest]) => hexOf(digest).slice(0, 2))
    const shelves = [...prefixes].map(([prefix, group]) => {
      const files = group.map(([digest, file]) => [hexOf(digest), this.directory({ data: file })])
      return [prefix, this.directory(Object.fromEntries(files) as Record<string, Entry>)]
    })
    const sha256s = this.directory(Object.fromEntries(shelves) as Record<string, Entry>)
    const v2 = this.directory({ blobs: this.directory({ sha256: sha256s }), repositories })
    return this.directory({ docker: this.directory({ registry: this.directory({ v2 }) }) })
  }

  open(): Promise<Replica> {
    return Replica.open((cid) => {
      const bytes = this.blocks.get(cid.toString())
      return bytes === undefined
        ? Promise.reject(new MissingBlockError(cid))
        : Promise.resolve(bytes)
    })
  }
}

describe('replicating a tree that is not what it claims', () => {
  const wrong = (error: unknown): boolean =>
    error instanceof Error &&
    error.name === 'ReplicationError' &&
    (error as { isFinal?: boolean }).isFinal === true

  it('reports wrong claims, trusts none of them, and brings all the rest', async () => {
    const drawing = new Drawing()
    const [truth, lie, good] = [randomBytes(5000), randomBytes(5000), randomBytes(3000)]
    const { cid, treeSize } = drawing.tree([
      [digestOf(truth), drawing.raw(lie)],
      [digestOf(good), drawing.raw(good)],
    ])
    assert.ok(treeSize > 8000)
    await using replica = await drawing.open()
    await assert.rejects(replica.replicate(cid), (error: Error) => {
      assert.match(error.message, /1 parts of the tree are not taken, .* hashes to/)
      return wrong(error)
    })
    assert.deepEqual([replica.progress.blobsDone, replica.progress.blobsTotal], [1, 2])
    assert.equal(replica.wrong.length, 1)
    const claim = { digest: digestOf(truth), id: drawing.raw(lie).cid.toString() }
    assert.equal(await replica.trust.isProven(claim), false)
    assert.equal(replica.trust.isRejected(claim), true)
    // A second attempt does not hash it again.
    await assert.rejects(replica.replicate(cid), wrong)
    assert.match(replica.wrong[1] ?? '', /was not sha256:/)
  })

  const file = (size: number) => {
    const drawing = new Drawing()
    const leaf = drawing.raw(randomBytes(1000))
    return { drawing, leaf, part: { ...leaf, size } }
  }
  const bombs: [what: string, draw: () => { drawing: Drawing; data: Entry }, complaint: RegExp][] =
    [
      [
        'a file over the limit for blobs, in a few blocks',
        () => {
          const { drawing, part } = file(1000)
          let level = drawing.node(encodeFileNode(Array.from({ length: 1000 }, () => part)))
          for (let size = 1_000_000, n = 0; n < 3; n++, size *= 1000)
            level = drawing.node(
              encodeFileNode(Array.from({ length: 1000 }, () => ({ ...level, size }))),
            )
          return { drawing, data: level }
        },
        new RegExp(`claims 1000000000000000 bytes, and at most ${REPLICA_BLOB_LIMIT}`),
      ],
      [
        'a file of leaves that are smaller than it says',
        () => {
          const { drawing, part } = file(2000)
          return { drawing, data: drawing.node(encodeFileNode([part, part])) }
        },
        /1000 bytes where the node above says 2000/,
      ],
      [
        'a raw block of another size than its directory says',
        () => {
          const { drawing, leaf } = file(1000)
          return { drawing, data: { ...leaf, treeSize: 999 } }
        },
        /1000 bytes where the node above says 999/,
      ],
      [
        'a file of far too many tiny parts',
        () => {
          const drawing = new Drawing()
          const leaf = { ...drawing.raw(Buffer.from('x')), size: 1 }
          const inner = drawing.node(encodeFileNode(Array.from({ length: 9000 }, () => leaf)))
          const part = { ...inner, size: 9000 }
          return { drawing, data: drawing.node(encodeFileNode([part, part, part])) }
        },
        /too many small parts/,
      ],
      [
        'a directory where the bytes should be',
        () => {
          const drawing = new Drawing()
          return { drawing, data: drawing.directory({ a: drawing.raw(Buffer.from('x')) }) }
        },
        /a directory where a file should be/,
      ],
      [
        'a link of a kind that is not read',
        () => {
          const drawing = new Drawing()
          const bytes = dagPb.encode({
            Data: new UnixFS({ type: 'symlink', data: Buffer.from('/etc') }).marshal(),
            Links: [],
          })
          return {
            drawing,
            data: drawing.node({ bytes, cid: cidFromHash(DAG_PB, sha256(bytes)), treeSize: 9 }),
          }
        },
        /symlink/,
      ],
    ]
  for (const [what, draw, complaint] of bombs) {
    it(`refuses ${what}, and brings what lies beside it`, async () => {
      const { drawing, data } = draw()
      const good = randomBytes(3000)
      const { cid } = drawing.tree([
        [digestOf(Buffer.from(what)), data],
        [digestOf(good), drawing.raw(good)],
      ])
      await using replica = await drawing.open()
      await assert.rejects(replica.replicate(cid), (error: Error) => {
        assert.match(error.message, complaint)
        return wrong(error)
      })
      assert.equal(replica.progress.blobsDone, 1)
    })
  }

  it('does not walk a tree for ever that repeats itself', async () => {
    const drawing = new Drawing()
    let level = drawing.directory({})
    for (let depth = 0; depth < 100; depth++)
      level = drawing.directory(
        Object.fromEntries('abcdefghij'.split('').map((name) => [name, { ...level, treeSize: 1 }])),
      )
    await using replica = await drawing.open()
    const { cid } = drawing.tree([], level)
    await assert.rejects(replica.replicate(cid, { signal: AbortSignal.timeout(1500) }), {
      name: 'TimeoutError',
    })
  })

  it('passes over what is no part of the layout', async () => {
    const drawing = new Drawing()
    const large = drawing.node(encodeFileNode([{ ...drawing.raw(randomBytes(9000)), size: 9000 }]))
    const missing = { cid: cidFromHash(RAW, sha256(Buffer.from('nowhere'))), treeSize: 7 }
    const app = drawing.directory({
      _uploads: missing,
      _layers: drawing.directory({ md5: missing, sha256: drawing.directory({ short: missing }) }),
      _manifests: drawing.directory({
        tags: drawing.directory({
          v1: drawing.directory({ current: drawing.directory({ link: large }) }),
        }),
      }),
      'No name': missing,
    })
    const { cid } = drawing.tree([], drawing.directory({ app }))
    await using replica = await drawing.open()
    await replica.replicate(cid)
  })
})

describe('replicating a tree that cannot be had as a whole', () => {
  async function setUp(layers: number[]) {
    await using stack = new AsyncDisposableStack()
    const dir = stack.use(await temporaryDirectory())
    const origin = stack.use(await openDisk(dir.path))
    const image = randomImage({ layers })
    await store({ writer: origin.lane, content: origin.contents }, APP, image, parseTag('v1'))
    const replica = stack.use(await Replica.of(origin))
    const opened = stack.move()
    return { origin, image, replica, [Symbol.asyncDispose]: () => opened.disposeAsync() }
  }

  it('brings what there is, says what is missing, and may be tried again', async () => {
    await using parts = await setUp([3_000_000, 8000, 9000])
    const { origin, image, replica } = parts
    const reader = replica.reader(origin.lane.root)
    const lost = (await origin.source.reader()!.blob(APP, image.blobs[2]!.digest))!.id
    const { fetch } = replica
    replica.fetch = (cid, options) =>
      cid.toString() === lost ? Promise.reject(new MissingBlockError(cid)) : fetch(cid, options)
    await assert.rejects(replica.replicate(origin.lane.root), (error: Error) => {
      assert.match(error.message, new RegExp(`^1 parts cannot be had now, .*${lost} is missing`))
      return (error as unknown as { isFinal: boolean }).isFinal === false
    })
    assert.deepEqual([replica.progress.blobsDone, replica.progress.blobsTotal], [4, 5])
    assert.ok(await reader.blob(APP, image.blobs[1]!.digest))
    replica.fetch = fetch
    await replica.replicate(origin.lane.root)
    assert.equal(replica.progress.blobsDone, 5)
  })

  it('gives up soon when nothing comes any more', async () => {
    await using parts = await setUp(Array.from({ length: 300 }, (_, n) => 20_000 + n))
    const { origin, replica } = parts
    let asked = 0
    const { fetch } = replica
    replica.fetch = (cid, options) => {
      // Nodes and links come, and of the blobs nothing.
      if (cid.code === DAG_PB || replica.progress.blobsTotal < 302) return fetch(cid, options)
      asked++
      return Promise.reject(new MissingBlockError(cid))
    }
    await assert.rejects(replica.replicate(origin.lane.root), { name: 'ReplicationError' })
    assert.ok(asked >= 64 && asked < 200, `${asked} were asked for`)
  })

  it('takes no more when there is no room, and says why', async () => {
    await using parts = await setUp([9_000_000])
    const { origin, replica } = parts
    let left = 20
    const full = Object.assign(new Error('the disk is nearly full'), { errno: -28 })
    replica.makeRoom = () => (left-- > 0 ? Promise.resolve() : Promise.reject(full))
    await assert.rejects(replica.replicate(origin.lane.root), {
      message: 'the disk is nearly full',
    })
    assert.ok(replica.fetched.length <= 20)
  })
})
