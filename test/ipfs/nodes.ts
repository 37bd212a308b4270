import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { openDatastore } from '../../src/ipfs/datastore.ts'
import { openKeys } from '../../src/ipfs/keys.ts'
import { openNode } from '../../src/ipfs/node.ts'
import { loadSecret } from '../../src/ipfs/password.ts'
import type { BlockStore } from '../../src/blocks/block-store.ts'
import type { FetchTimes } from '../../src/ipfs/block-fetcher.ts'
import type { NetworkConfig } from '../../src/ipfs/config.ts'
import type { Log } from '../../src/ipfs/logger.ts'
import type { IpfsNode } from '../../src/ipfs/node.ts'
import type { Internet } from '../../src/ipfs/node-plan.ts'
import type { Servable } from '../../src/ipfs/serving-blockstore.ts'

export const offline: NetworkConfig = { mode: 'offline', listen: null, peers: [], swarmKey: null }

/** Blocks in memory. */
export class MemoryBlocks implements BlockStore {
  readonly blocks = new Map<string, Uint8Array>()

  get(cid: CID): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.blocks.get(key(cid)))
  }
  has(cid: CID): Promise<boolean> {
    return Promise.resolve(this.blocks.has(key(cid)))
  }
  size(cid: CID): Promise<number | undefined> {
    return Promise.resolve(this.blocks.get(key(cid))?.length)
  }
  put(cid: CID, bytes: Uint8Array): Promise<void> {
    this.blocks.set(key(cid), bytes)
    return Promise.resolve()
  }
  sync(): Promise<void> {
    return Promise.resolve()
  }
}

/** A raw block of so many random bytes. */
export async function randomBlock(size = 1000): Promise<{ cid: CID; bytes: Uint8Array }> {
  const bytes = randomBytes(size)
  return { bytes, cid: CID.createV1(0x55, await sha256.digest(bytes)) }
}

export interface TestNode extends IpfsNode {
  readonly blocks: MemoryBlocks
  readonly directory: string
}

export interface TestNodeOptions {
  config?: Partial<NetworkConfig>
  servable?: Servable
  fetchTimes?: Partial<FetchTimes>
  log?: Log
  redialPause?: number
  internet?: Internet
  /** Start on the data of an earlier node, and leave it there. */
  directory?: string
}

/** A node on loopback, with a data directory of its own that goes when it stops. */
export async function startNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'heliport-ipfs-')))
  const datastore = await openDatastore(join(directory, 'datastore'))
  const blocks = new MemoryBlocks()
  const close = async () => {
    await datastore.close()
    if (options.directory === undefined) await rm(directory, { recursive: true })
  }
  try {
    const keys = await openKeys({ datastore, secret: await loadSecret({ dataDir: directory }) })
    const servable = options.servable ?? (() => true)
    const node = await openNode(
      { ...offline, ...options.config },
      {
        blocks,
        datastore,
        keys,
        servable,
        log: options.log,
        fetchTimes: options.fetchTimes,
        redialPause: options.redialPause,
        internet: options.internet,
      },
    )
    const stop = node.stop.bind(node)
    let stopped: Promise<void> | undefined
    return Object.assign(node, {
      blocks,
      directory,
      stop: () => (stopped ??= stop().then(close)),
    })
  } catch (error) {
    await close()
    throw error
  }
}

/** Connects two nodes and waits until each may ask the other for blocks. */
export async function connect(a: IpfsNode, b: IpfsNode): Promise<void> {
  if (!(await a.dial(b.addresses()))) throw new Error('the nodes cannot be connected')
}

function key(cid: CID): string {
  return Buffer.from(cid.multihash.bytes).toString('hex')
}
