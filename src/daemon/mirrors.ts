import { FetchedBlocks } from '../blocks/block-source.ts'
import { OpenBlocks } from '../blocks/open-blocks.ts'
import { askedOf } from '../oci/publish-rules.ts'
import { RepositorySet } from '../oci/repository-pattern.ts'
import { DnsLinkMirror } from '../naming/dnslink-mirror.ts'
import { Mirror } from '../naming/mirror.ts'
import { partOf } from '../naming/mirror-state.ts'
import { advanceTree } from '../tree/advance.ts'
import { DirectoryReader } from '../tree/directory.ts'
import { TreeSource } from '../tree/source.ts'
import { Freshness } from './freshness.ts'
import { Supply } from './supply.ts'
import type { Logger } from 'pino'
import type { FetchBlock } from '../blocks/block-source.ts'
import type { Config, MirrorEntry, MirrorName } from '../config/schema.ts'
import type { IpfsNode } from '../ipfs/node.ts'
import type { Advance } from '../naming/advancer.ts'
import type { FollowedName } from '../naming/mirror.ts'
import type { MirrorSource } from '../registry/mirror.ts'
import type { PublishRules } from '../oci/publish-rules.ts'
import type { RecordExchange } from '../naming/record-exchange.ts'
import type { ExportedTree } from '../tree/export.ts'
import type { NodeCache } from '../tree/node-cache.ts'
import type { CID } from 'multiformats/cid'
import type { Provider } from './provider.ts'
import type { Signatures } from './signatures.ts'
import type { Storage } from './storage.ts'

/** One mirror: its name on the network, and its tree as a registry. */
export interface OpenMirror {
  readonly entry: MirrorEntry
  readonly follower: FollowedName
  readonly source: MirrorSource
  /** Brings a block of its tree. */
  readonly fetch: FetchBlock
  /** To be told of each that was stored. */
  readonly onKept: (cid: CID) => void
  /** Its tree as of now; `undefined` without a root. */
  tree(): ExportedTree | undefined
  /** Calls a listener whenever another root serves. */
  onMoved(listener: () => void): void
  start(): Promise<void>
  stop(): Promise<void>
}

/** What mirrors are made of. */
export interface MirrorParts {
  readonly storage: Storage
  readonly node: IpfsNode
  readonly exchange: RecordExchange
  readonly provider: Provider
  readonly signatures: Signatures
  /** Which of our repositories are published. */
  readonly rules: PublishRules
  readonly log: Logger
}

/**
 * The mirrors of the configuration, in its order, not yet started.
 *
 * @param own our own name, which is not mirrored: its tree is ours
 */
export function openMirrors(
  { ipns }: Config,
  parts: MirrorParts,
  own: string | undefined,
): OpenMirror[] {
  const others = ipns.readOnlyKeys.filter((entry) => entry.text !== own)
  if (others.length < ipns.readOnlyKeys.length)
    parts.log.info({ name: own }, 'ipns.readOnlyKeys names our own key, which needs no mirror')
  const cache = parts.storage.cache.apart()
  return others.map((entry) => openMirror(entry, { ...parts, cache }))
}

function openMirror(entry: MirrorEntry, parts: MirrorParts & { cache: NodeCache }): OpenMirror {
  const { storage, node, cache, rules } = parts
  const supply = new Supply(node)
  // Whatever was fetched came from a published tree, so it may be passed on: that is what mirroring is for.
  const onKept = (cid: CID): void => {
    storage.blocks.link([cid])
    supply.onKept(cid)
  }
  const open = new OpenBlocks(storage.fetched, (cid) => storage.blocks.isLinked(cid))
  const fetched = new FetchedBlocks(open, supply, onKept, storage.cached)
  const directories = new DirectoryReader(fetched, cache)
  const moved = new Set<() => void>()
  const onRoot = (root: CID): void => {
    parts.provider.provide(root)
    for (const listener of moved) listener()
  }
  const advance = advanceWith(directories, { open, usedElsewhere: storage.usedElsewhere }, supply)
  const follower = follow(entry, { ...parts, onRoot, advance })
  const root = (): CID | undefined => follower.root()
  const repositories = askedOf(new RepositorySet(entry.repositories), rules)
  const freshness = new Freshness(entry, follower, storage.state.map('confirmed'))
  const tree = new TreeSource(entry.text, root, directories, storage.usedElsewhere, () =>
    freshness.staleSince(),
  )
  const onMoved = (listener: () => void): void => void moved.add(listener)
  return {
    entry,
    follower,
    source: {
      name: entry.text,
      reader: () => tree.reader(),
      staleSince: () => tree.staleSince(),
      repositories,
      maxStale: entry.maxStale ?? undefined,
      deadline: entry.deadline,
      signedBy: parts.signatures.mirrors.get(entry.text),
      onMoved,
    },
    fetch: supply.fetch,
    onKept,
    tree: () => {
      const now = root()
      return now && { name: entry.text, root: now, directories, repositories }
    },
    onMoved,
    start: async () => {
      await freshness.start()
      await follower.start()
    },
    stop: async () => {
      await follower.stop()
      await freshness.stop()
    },
  }
}

/** What follows a name. */
interface FollowParts extends MirrorParts {
  readonly onRoot: (root: CID) => void
  readonly advance: Advance
}

function follow(name: MirrorName, parts: FollowParts): FollowedName {
  const { storage, node, exchange, onRoot, advance } = parts
  const log = parts.log.child({ room: 'naming' })
  const states = storage.state.map('mirrors')
  const followKey = (key: string, state = states): FollowedName =>
    new Mirror(key, {
      exchange,
      keychain: node.keys.keychain,
      state,
      dial: (addresses, options) => node.dial(addresses, options),
      onRoot,
      advance,
      log,
    })
  if (name.kind === 'key') return followKey(name.text)
  return new DnsLinkMirror(name.text, {
    resolve: (domain, options) => node.resolveDnsLink(domain, options),
    follow: (key) => followKey(key, partOf(states, name.text)),
    state: storage.state.map('dnslink'),
    log,
  })
}

function advanceWith(
  directories: DirectoryReader,
  { open, usedElsewhere }: Pick<Storage, 'usedElsewhere'> & { open: OpenBlocks },
  supply: Supply,
): Advance {
  return async (newRoot, oldRoot, { signal, providers }) => {
    usedElsewhere.note(newRoot) // the collector must not take what was found here
    supply.expect(newRoot, providers)
    const isKept = (cid: CID): Promise<boolean> => open.has(cid)
    await advanceTree({ reader: directories, isKept }, newRoot, oldRoot, { signal })
    usedElsewhere.note(newRoot) // until it is the one that serves
    await open.sync() // the new root is remembered next, and must not outlive what it stands for
  }
}
