import { Uploads } from '../../src/registry/uploads.ts'
import { MemoryRegistry, MemoryUploadStore } from './memory-ports.ts'
import { APP, BLOB_LIMIT, FakeClock } from './registry-setup.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { RegistryWriter } from '../../src/registry/ports.ts'
import type { Room } from '../../src/registry/room.ts'

/** Text as bytes. */
export const bytesOf = (text: string) => new TextEncoder().encode(text)

/** Uploads over memory ports, which can be begun again over the same store. */
export function createUploads({
  maxSessions = 10,
  maxBytes = Infinity,
  writer,
  room,
}: { maxSessions?: number; maxBytes?: number; writer?: RegistryWriter; room?: Room } = {}) {
  const own = new MemoryRegistry()
  const clock = new FakeClock()
  const store = new MemoryUploadStore(own.content, new Map(), clock.now)
  const parts = { store, writer: writer ?? own, room, now: clock.now }
  const options = { readOnly: false, blobLimit: BLOB_LIMIT, maxSessions, maxBytes, idleFor: 1000 }
  const create = (): Uploads => new Uploads(parts, options)
  const has = async (digest: Digest) => (await own.reader().blob(APP, digest)) !== undefined
  return { own, store, clock, uploads: create(), restart: create, has }
}

/** A body that waits in the middle until it is let on. */
export function gated(before: string, after: string) {
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const source = async function* () {
    yield bytesOf(before)
    reached.resolve()
    await gate.promise
    yield bytesOf(after)
  }
  return { source: source(), reached: reached.promise, open: () => gate.resolve() }
}
