import assert from 'node:assert/strict'
import { randomFillSync, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CHUNK_BYTES } from '../../src/blocks/chunking.ts'
import { LeafRoom } from '../../src/blocks/leaf-room.ts'
import { DiskUploadStore } from '../../src/blocks/upload-store.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseName } from '../../src/oci/name.ts'
import { MemoryBlocks } from '../support/memory-blocks.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import type { LeafPlace, LeafTaker } from '../../src/blocks/leaf-room.ts'
import type { Upload } from '../../src/registry/ports.ts'

/** A room that knows how much of it was in use at once; who fills a leaf keeps its place only until another wants it. */
class CountedRoom extends LeafRoom {
  used = 0
  most = 0
  putDown = 0

  constructor(size: number) {
    super(size, 0)
  }

  override async take(taker: LeafTaker = {}): Promise<LeafPlace> {
    const putDown = taker.putDown && {
      putDown: (): void => {
        this.putDown++
        taker.putDown?.()
      },
    }
    const place = await super.take({ ...taker, ...putDown })
    this.most = Math.max(this.most, ++this.used)
    let isGiven = false
    const give = (): void => {
      if (!isGiven) this.used--
      isGiven = true
      place[Symbol.dispose]()
    }
    return { bytes: place.bytes, full: () => place.full(), [Symbol.dispose]: give }
  }
}

/** An upload, and a client of it that sends what it is told to. */
interface Push {
  readonly content: Buffer
  readonly upload: Upload
  readonly done: Promise<void>
  send(from: number, to?: number): Promise<void>
  end(): void
}

async function begin(store: DiskUploadStore, content: Buffer): Promise<Push> {
  const id = randomUUID()
  const info = { id, name: parseName('app'), startedAt: 1000, algorithm: 'sha256' as const }
  const upload = await store.create(info)
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const send = async (from: number, to = content.length): Promise<void> => {
    for (let at = from; at < to; at += 65_536)
      await writer.write(content.subarray(at, Math.min(to, at + 65_536)))
  }
  const done = upload.append(readable)
  done.catch(() => undefined)
  return { content, upload, done, send, end: () => void writer.close() }
}

function noise(bytes: number): Buffer {
  return randomFillSync(Buffer.alloc(bytes))
}

describe('many uploads in one room', () => {
  it('are bounded in memory, and all end, though each is silent in the middle of a leaf', async () => {
    await using dir = await temporaryDirectory()
    const room = new CountedRoom(2)
    const store = await DiskUploadStore.open(dir.path, new MemoryBlocks(), room)
    const contents = Array.from({ length: 8 }, (_, i) => noise(2 * CHUNK_BYTES + 300_000 + i))
    const pushes = await Promise.all(contents.map((content) => begin(store, content)))
    // Each has an unfinished leaf when it falls silent, and there are places for two.
    await Promise.all(pushes.map(({ send }) => send(0, CHUNK_BYTES + 500_000)))
    await Promise.all(pushes.map(({ send }) => send(CHUNK_BYTES + 500_000)))
    for (const { end } of pushes) end()
    await Promise.all(pushes.map(({ done }) => done))
    for (const { upload, content } of pushes) {
      assert.equal(upload.size, content.length)
      assert.equal((await upload.finish(digestOf(content))).size, content.length)
    }
    assert.ok(room.most <= 2, `${room.most} at once`)
    assert.ok(room.putDown > 0, 'nobody was in the way of another')
    assert.equal(room.used, 0)
  })

  it('goes on after a restart with what was put down, when the process dies before its client ends', async () => {
    await using dir = await temporaryDirectory()
    const room = new CountedRoom(1)
    const blocks = new MemoryBlocks()
    const store = await DiskUploadStore.open(dir.path, blocks, room)
    const silent = await begin(store, noise(CHUNK_BYTES + 400_000))
    await silent.send(0, CHUNK_BYTES + 300_000)
    const other = await begin(store, noise(CHUNK_BYTES))
    await other.send(0)
    other.end()
    await other.done
    const again = await (await DiskUploadStore.open(dir.path, blocks)).open(silent.upload.id)
    assert.ok(again !== undefined && again.size > CHUNK_BYTES)
    await again.append(ReadableStream.from([silent.content.subarray(again.size)]))
    await again.finish(digestOf(silent.content))
    silent.end()
    await silent.done.catch(() => undefined)
  })

  it('ends an upload at its next byte when its leaf could not be put down', async () => {
    await using dir = await temporaryDirectory()
    const room = new CountedRoom(1)
    const store = await DiskUploadStore.open(dir.path, new MemoryBlocks(), room)
    const silent = await begin(store, noise(CHUNK_BYTES))
    await silent.send(0, 500_000)
    await rm(join(dir.path, silent.upload.id))
    const other = await begin(store, noise(CHUNK_BYTES))
    await other.send(0)
    other.end()
    await other.done
    silent.send(500_000).catch(() => undefined) // its stream is cancelled
    await assert.rejects(silent.done, /ENOENT/)
    assert.equal(room.used, 0)
  })

  it('needs no room for little', async () => {
    await using dir = await temporaryDirectory()
    const room = new CountedRoom(1)
    const store = await DiskUploadStore.open(dir.path, new MemoryBlocks(), room)
    using _ = await room.take()
    const content = noise(10_000)
    const push = await begin(store, content)
    await push.send(0)
    push.end()
    await push.done
    await push.upload.finish(digestOf(content))
  })

  it('is left by an upload that is ended while it waits', async () => {
    await using dir = await temporaryDirectory()
    const room = new CountedRoom(1)
    const store = await DiskUploadStore.open(dir.path, new MemoryBlocks(), room)
    const info = { name: parseName('app'), startedAt: 1000, algorithm: 'sha256' as const }
    const upload = await store.create({ ...info, id: randomUUID() })
    using _ = await room.take()
    const over = new AbortController()
    const waiting = upload.append(ReadableStream.from([noise(100_000)]), { signal: over.signal })
    setImmediate(() => over.abort(new Error('it was cancelled')))
    await assert.rejects(waiting, /it was cancelled/)
  })
})
