import { FetchedBlocks } from '../blocks/block-source.ts'
import { DnsLinkMirror } from '../naming/dnslink-mirror.ts'
import { Mirror } from '../naming/mirror.ts'
import { advanceTree } from '../tree/advance.ts'
import { DirectoryReader } from '../tree/directory.ts'
import { TreeSource } from '../tree/source.ts'
import { Supply } from './supply.ts'
import type { Logger } from 'pino'
import type { Config, MirrorName } from '../config/schema.ts'
import type { IpfsNode } from '../ipfs/node.ts'
import type { Advance } from '../naming/advancer.ts'
import type { FollowedName } from '../naming/mirror.ts'
import type { RecordExchange } from '../naming/record-exchange.ts'
import type { ExportedTree } from '../tree/export.ts'
import type { CID } from 'multiformats/cid'
import type { Provider } from './provider.ts'
import type { Storage } from './storage.ts'

/** One mirror: its name on the network, and its tree as a registry. */
export interface OpenMirror {
  readonly follower: FollowedName
  readonly source: TreeSource
  /** Its tree as of now; `undefined` without a root. */
  tree(): ExportedTree | undefined
}

/** What mirrors are made of. */
export interface MirrorParts {
  readonly storage: Storage
  readonly node: IpfsNode
  readonly exchange: RecordExchange
  readonly provider: Provider
  readonly log: Logger
}

/** The mirrors of the configuration, in its order, not yet started. */
export function openMirrors(config: Config, parts: MirrorParts): OpenMirror[] {
  return config.ipns.readOnlyKeys.map((name) => openMirror(name, parts))
}

function openMirror(name: MirrorName, parts: MirrorParts): OpenMirror {
  const { storage, node } = parts
  const supply = new Supply(node)
  // Whatever was fetched came from a published tree, so it may be passed on: that is what mirroring is for.
  const onKept = (cid: CID): void => {
    storage.blocks.link([cid])
    supply.onKept(cid)
  }
  const fetched = new FetchedBlocks(storage.fetched, supply, onKept)
  const directories = new DirectoryReader(fetched, storage.cache)
  const advance = advanceWith(directories, storage, supply)
  const follower = follow(name, parts, advance)
  const root = (): CID | undefined => follower.root()
  return {
    follower,
    source: new TreeSource(name.text, root, directories, () => follower.staleSince()),
    tree: () => {
      const now = root()
      return now === undefined ? undefined : { name: name.text, root: now, directories }
    },
  }
}

function follow(name: MirrorName, parts: MirrorParts, advance: Advance): FollowedName {
  const { storage, node, exchange, provider } = parts
  const log = parts.log.child({ room: 'naming' })
  const followKey = (key: string): FollowedName =>
    new Mirror(key, {
      exchange,
      keychain: node.keys.keychain,
      state: storage.state.map('mirrors'),
      dial: (addresses, options) => node.dial(addresses, options),
      onRoot: (root) => provider.provide(root),
      advance,
      log,
    })
  if (name.kind === 'key') return followKey(name.text)
  return new DnsLinkMirror(name.text, {
    resolve: (domain, options) => node.resolveDnsLink(domain, options),
    follow: followKey,
    state: storage.state.map('dnslink'),
    log,
  })
}

function advanceWith(directories: DirectoryReader, { fetched }: Storage, supply: Supply): Advance {
  return async (newRoot, oldRoot, { signal, providers }) => {
    supply.expect(newRoot, providers)
    const isKept = (cid: CID): Promise<boolean> => fetched.has(cid)
    await advanceTree({ reader: directories, isKept }, newRoot, oldRoot, { signal })
    await fetched.sync() // the new root is remembered next, and must not outlive what it stands for
  }
}
