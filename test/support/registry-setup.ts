import { parseName, parseTag } from '../../src/oci/name.ts'
import { Overlay } from '../../src/registry/overlay.ts'
import { Registry } from '../../src/registry/registry-service.ts'
import { Tombstones } from '../../src/registry/tombstones.ts'
import { Trust } from '../../src/registry/trust.ts'
import { Uploads } from '../../src/registry/uploads.ts'
import { MemoryMap } from './memory-map.ts'
import { MemoryRegistry, MemoryUploadStore } from './memory-ports.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Reference } from '../../src/oci/name.ts'
import type { MirrorSource } from '../../src/registry/mirror.ts'
import type { MountableTree } from '../../src/registry/mount-blob.ts'
import type { OverlayInit } from '../../src/registry/overlay.ts'
import type {
  Content,
  RegistryReader,
  RegistrySource,
  RegistryWriter,
  SnapshotSource,
  StandingRules,
} from '../../src/registry/ports.ts'
import type { RepositoryRules } from '../../src/registry/signatures/repository-rules.ts'
import type { RegistryOptions } from '../../src/registry/registry-service.ts'
import type { Piece } from './random-image.ts'

/** A clock that only moves when told to. */
export class FakeClock {
  time = 1_700_000_000_000
  now = (): number => this.time
  advance(ms: number): void {
    this.time += ms
  }
}

/** The size of blobs that {@link createRegistry} allows. */
export const BLOB_LIMIT = 100_000

/** How {@link createRegistry} differs from the usual. */
export interface RegistrySetup {
  mirrors?: MirrorSource[]
  options?: Partial<RegistryOptions>
  overlay?: Partial<OverlayInit>
  /** In place of the own registry's writer. */
  writer?: (own: MemoryRegistry) => RegistryWriter
  maxSessions?: number
  signatures?: RepositoryRules
  rules?: StandingRules
  /** Our own tree as it was, by root. */
  snapshots?: ReadonlyMap<string, RegistryReader>
}

function signatureRules({ signatures }: RegistrySetup): { signatures?: RepositoryRules } {
  return signatures === undefined ? {} : { signatures }
}

/** A whole registry over memory ports. */
export async function createRegistry({ mirrors = [], ...setup }: RegistrySetup = {}) {
  const clock = new FakeClock()
  const errors: { mirror: string; error: unknown }[] = []
  const onMirrorError = (mirror: string, error: unknown): void =>
    void errors.push({ mirror, error })
  const own = new MemoryRegistry()
  const tombstoneMap = new MemoryMap()
  const tombstones = await Tombstones.open(tombstoneMap, clock.now)
  const trust = new Trust({ map: new MemoryMap(), now: clock.now })
  const overlay = new Overlay({
    own,
    mirrors,
    trust,
    blobLimit: BLOB_LIMIT,
    tombstones,
    now: clock.now,
    onMirrorError,
    ...setup.overlay,
  })
  const options: RegistryOptions = {
    validation: 'strict',
    deletes: true,
    readOnly: false,
    blobLimit: BLOB_LIMIT,
    ...setup.options,
  }
  const writer = setup.writer?.(own) ?? own
  const rules = setup.rules === undefined ? {} : { rules: setup.rules }
  const uploadStore = new MemoryUploadStore(own.content, new Map(), clock.now)
  const uploads = new Uploads(
    { store: uploadStore, writer, now: clock.now, ...rules },
    { ...options, ...(setup.maxSessions === undefined ? {} : { maxSessions: setup.maxSessions }) },
  )
  const tree: MountableTree = {
    transact: (edit, how) => writer.transact(edit, how),
    findBlob: (...args) => own.findBlob(...args),
  }
  const history: SnapshotSource = { snapshot: async (root) => setup.snapshots?.get(root) }
  const service = new Registry(
    {
      overlay,
      writer: tree,
      content: own.content,
      tombstones,
      uploads,
      history,
      ...signatureRules(setup),
      ...rules,
    },
    options,
  )
  return {
    service,
    own,
    overlay,
    tombstones,
    tombstoneMap,
    trust,
    uploads,
    uploadStore,
    clock,
    errors,
  }
}

export const tagged = (tag: string): Reference => ({ kind: 'tag', tag: parseTag(tag) })
export const byDigest = (digest: Digest): Reference => ({ kind: 'digest', digest })
export const APP = parseName('team/app')

/** Uploads blobs through the service, as a client would. */
export async function pushBlobs(
  { uploads }: Pick<Registry, 'uploads'>,
  blobs: readonly Piece[],
  name = APP,
): Promise<void> {
  for (const { bytes, digest } of blobs) {
    const { id } = await uploads.create(name)
    await uploads.finish(name, id, digest, { source: streamBytes(bytes) })
  }
}

async function* streamBytes(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** What a {@link twisted} source changes. */
export interface Twist {
  /** In place of the content that the reader found. */
  blob?: (content: Content) => Content | undefined
  manifest?: (content: Content) => Content | undefined
  /** Runs before every call. */
  before?: (call: string, signal: AbortSignal | undefined) => Promise<void>
}

/** Waits until the signal aborts, then fails. */
export function never(signal: AbortSignal | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal?.addEventListener('abort', () => reject(new Error('stopped')))
  return promise
}

/** A source that behaves badly. */
export function twisted(source: RegistrySource, twist: Twist): RegistrySource {
  return {
    name: source.name,
    reader() {
      const reader = source.reader()
      return reader && new Proxy(reader, { get: (target, key) => call(target, key, twist) })
    },
  }
}

function call(target: RegistryReader, key: string | symbol, twist: Twist): unknown {
  const method: unknown = Reflect.get(target, key)
  if (typeof method !== 'function') return method
  return async (...args: unknown[]) => {
    const { signal } = (args.at(-1) ?? {}) as { signal?: AbortSignal }
    await twist.before?.(String(key), signal)
    const result: unknown = await Reflect.apply(method, target, args)
    if (result === undefined || (key !== 'blob' && key !== 'manifest')) return result
    return (twist[key] ?? ((content: Content) => content))(result as Content)
  }
}

/** Content that claims to be something else: other bytes under its digest. */
export function lying(content: Content, bytes: Uint8Array, pieces = 3): Content {
  const { digest } = content
  return {
    digest,
    size: content.size,
    id: `lie:${digest}`,
    open: async function* ({ range } = {}) {
      const part =
        range === undefined ? bytes : bytes.subarray(range.offset, range.offset + range.length)
      const step = Math.max(1, Math.ceil(part.length / pieces))
      for (let at = 0; at < part.length; at += step) yield part.subarray(at, at + step)
    },
  }
}
