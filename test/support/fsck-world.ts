import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CID } from 'multiformats/cid'
import { Checker } from '../../src/daemon/checker.ts'
import { dataDirectory } from '../../src/daemon/data-directory.ts'
import { LostEnd } from '../../src/daemon/regain.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { openWorld } from '../faults/gc-world.ts'
import { SeededRandom } from '../faults/random.ts'
import { pushBlobs, tagged } from './registry-setup.ts'
import type { Finding, FsckReport } from '../../src/daemon/fsck-report.ts'
import type { StateWrite } from '../../src/blocks/state-db.ts'
import type { GcWorld } from '../faults/gc-world.ts'
import type { RandomManifest } from './random-image.ts'

/** A registry with a checker, on a real disk. */
export async function openFsckWorld() {
  const world = await openWorld(new SeededRandom(1), { waits: false })
  const { storage } = world
  const now = Date.now
  const directory = dataDirectory(join(world.data, 'data'))
  const end = new LostEnd({ directory, storage, datastore: undefined, now })
  const checker = new Checker({ storage, end, isOnline: true, share: 1, now })
  return {
    ...world,
    checker,
    push: (image: RandomManifest, name = 'team/app', tag = 'v1') => push(world, image, name, tag),
    check: (repair = false): Promise<FsckReport> => checker.check({ repair }),
    files: () => largeFiles(world),
    /** Writes below the rules. */
    write: (writes: readonly StateWrite[]) => storage.state.write(writes),
    [Symbol.asyncDispose]: async () => {
      await checker[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

export type FsckWorld = Awaited<ReturnType<typeof openFsckWorld>>

async function push(
  { service }: GcWorld,
  image: RandomManifest,
  name: string,
  tag: string,
): Promise<void> {
  const repository = parseName(name)
  if (image.blobs.length > 0) await pushBlobs(service, image.blobs, repository)
  await service.putManifest(repository, tagged(parseTag(tag)), image.bytes, image.mediaType)
}

/** Paths of the files in which large blocks are, by hash. */
async function largeFiles({ data }: GcWorld): Promise<Map<string, string>> {
  const blocks = join(data, 'data', 'blocks')
  const files = await readdir(blocks, { recursive: true })
  const named = files.filter((path) => /^[0-9a-f]{2}\/[0-9a-f]{64}$/.test(path))
  return new Map(named.map((path) => [path.slice(3), join(blocks, path)]))
}

/** The key of a small block. */
export function smallKey(cid: string | Uint8Array): Uint8Array {
  const hash = typeof cid === 'string' ? CID.parse(cid).multihash.digest : cid
  return Buffer.concat([Buffer.from('b/'), hash])
}

/** What a finding says, without what differs from run to run. */
export function gist({ kind, concerns, mended, message }: Finding): object {
  return { kind, message, concerns, mended }
}
