import packageJson from '../package.json' with { type: 'json' }
import { createApp } from './api/app.ts'
import { createControlApp } from './api/control-app.ts'
import { listen } from './api/server.ts'
import { PublishRules } from './oci/publish-rules.ts'
import { openNode } from './ipfs/node.ts'
import { RecordExchange } from './naming/record-exchange.ts'
import { AgeClock } from './daemon/age-clock.ts'
import { openAccess } from './daemon/access.ts'
import { announce } from './daemon/announce.ts'
import { AuditLog } from './daemon/audit-log.ts'
import { startChecking } from './daemon/checking.ts'
import { barrierFor, openCollector } from './daemon/collecting.ts'
import { DaemonControl } from './daemon/control.ts'
import { clientOptions, portOptions } from './daemon/edge.ts'
import { roomForPushes } from './daemon/disk-room.ts'
import { dataDirectory, removeLock, socketPath, writeLock } from './daemon/data-directory.ts'
import { openKeychain } from './daemon/keys.ts'
import { checkedName } from './daemon/write-key.ts'
import { sayGoodbye } from './daemon/farewell.ts'
import { Heap, ownHeap } from './daemon/heap.ts'
import { healFrom } from './daemon/healing.ts'
import { Housekeeping } from './daemon/housekeeping.ts'
import { findAndMarkLoss } from './daemon/find-loss.ts'
import { createLog } from './daemon/log.ts'
import { MirrorErrors } from './daemon/mirror-errors.ts'
import { trimmer } from './daemon/malloc.ts'
import { openMirrors } from './daemon/mirrors.ts'
import { isStatusOpen, openRules } from './daemon/policy.ts'
import { promote } from './daemon/promotion.ts'
import { RootFollower, openPublisher } from './daemon/publishing.ts'
import { Provider } from './daemon/provider.ts'
import { openRegistry } from './daemon/registry.ts'
import { openSignatures } from './daemon/signatures.ts'
import { LostEnd } from './daemon/regain.ts'
import { Replication } from './daemon/replication.ts'
import { readinessOf, statusReport } from './daemon/status.ts'
import { openStorage, ownTrees } from './daemon/storage.ts'
import { arranged } from './daemon/arrangement.ts'
import type { CID } from 'multiformats/cid'
import type { Logger } from 'pino'
import type { Daemon, StartOptions } from './cli/daemon-face.ts'
import type { ChangingRules } from './access/changing.ts'
import type { Access } from './access/ports.ts'
import type { Config } from './config/schema.ts'
import type { Control } from './api/control-face.ts'
import type { Listener } from './api/server.ts'
import type { Checking } from './daemon/checking.ts'
import type { CollectingParts } from './daemon/collecting.ts'
import type { Collector } from './daemon/collector.ts'
import type { UnderWay } from './daemon/farewell.ts'
import type { DiskRoom } from './daemon/disk-room.ts'
import type { DataDirectory } from './daemon/data-directory.ts'
import type { OpenKeys } from './daemon/keys.ts'
import type { IpfsNode } from './ipfs/node.ts'
import type { OpenMirror } from './daemon/mirrors.ts'
import type { OpenRegistry } from './daemon/registry.ts'
import type { PublisherParts } from './daemon/publishing.ts'
import type { Storage } from './daemon/storage.ts'
import type { Publisher } from './naming/publisher.ts'

export { exportOffline, openKeysOffline } from './daemon/offline.ts'

/** How long running requests may go on after the daemon was told to stop. */
const DRAIN_TIME = 30_000

/**
 * Starts a node: opens the rooms from the ground up, and closes them from the top down when it is disposed of.
 * Resolves when the registry API answers; what the network says comes later (promise I7).
 *
 * @throws an error of one line for what the operator must put right
 */
export async function startDaemon(config: Config, options: StartOptions): Promise<Daemon> {
  const log = createLog(config.log, options.log)
  const { signal } = options
  const directory = dataDirectory(config.storage.path)
  await using stack = new AsyncDisposableStack()

  const follower = new RootFollower(log.child({ room: 'daemon' }))
  const [barrier, published] = [barrierFor(config.retention), new PublishRules(config.repositories)]
  const { lease } = config.retention
  const onCommit = follower.committed.bind(follower)
  const how = { barrier, lease, rules: published, onCommit }
  const storage = stack.use(await openStorage(directory, (root) => follower.changed(root), how))
  signal.throwIfAborted()

  const signatures = await openSignatures(config, storage.state.map('signed'))
  const keychain = stack.use(await openKeychain(config, directory))
  const { datastore } = keychain
  await findAndMarkLoss({ directory, storage, datastore }, log) // before anything changes
  const own = await checkedName(config, keychain, storage)
  if (own !== undefined) await promote(own, { config, storage, log, signal })
  const servable = await arranged(storage, published, { log, signal })
  await follower.open(storage, keychain)
  const node = stack.use(await startNode(config, storage, keychain, { servable, log }))
  healFrom(node, storage, log.child({ room: 'blocks' }))
  signal.throwIfAborted()

  const exchange = await openExchange(stack, storage, node, log)
  const provider = stack.use(new Provider(node, log))
  const parts = { storage, node, exchange, provider, signatures, rules: published, log }
  const mirrors = openMirrors(config, parts, own)
  await startAll(stack, mirrors)
  const publisher = await startPublisher(stack, config, { ...parts, datastore })
  if (publisher !== undefined) follower.publishWith(publisher, provider)

  const mirrorErrors = new MirrorErrors(log, Date.now)
  const room = roomForPushes(directory.path, log)
  const rules = openRules(stack, config, options, log)
  const ages = stack.use(await openAges(storage, log))
  const onMirrorError = mirrorErrors.note.bind(mirrorErrors)
  const heard = { onMirrorError, room, signatures, rules, ages }
  const registry = await openRegistry(config, storage, mirrors, heard)
  stack.defer(() => registry.overlay.stop())
  const copied = { config, directory, storage, mirrors, trust: registry.trust, mirrorErrors, log }
  const replication = stack.use(await Replication.start(copied))
  const { leases } = registry
  const end = new LostEnd({ directory, storage, datastore, now: Date.now })
  const gc = { config, storage, end, mirrors, replication, publisher, leases, ages, rules, log }
  const upkeep = await startUpkeep(stack, gc)
  const access = await openAccess(stack, { config, directory, policy: rules, log })
  const whole = { ...gc, ...upkeep, directory, access, node, registry, mirrorErrors, room }
  stack.use(new Housekeeping({ ...storage, directory, uploads: registry.uploads, log }))
  const http = await serve(stack, whole, options)
  stack.use(new Heap(() => node.moved() + http.moved(), ownHeap(idler(storage))))
  const { version } = packageJson
  const ipnsName = publisher?.name.text
  announce({ config, version, address: http.address, ipnsName }, log.child({ room: 'daemon' }))
  return asDaemon(stack.move(), { ...whole, http, signal })
}

/** What is done while nobody wants anything. */
function idler({ cache }: Storage): () => void {
  const trim = trimmer()
  return () => {
    cache.shrink()
    trim()
  }
}

async function openAges({ state, journal }: Storage, log: Logger): Promise<AgeClock> {
  const since = (await journal.newest()).entry?.time
  const [wall, steady] = [() => Date.now(), () => performance.now()]
  return AgeClock.open({
    map: state.map('clock'),
    wall,
    steady,
    since,
    log: log.child({ room: 'gc' }),
  })
}

/** Everything that is open, for those parts that tell of all the others. */
interface Whole extends Checking {
  readonly config: Config
  readonly directory: DataDirectory
  readonly access: Access
  readonly rules: ChangingRules
  readonly storage: Storage
  readonly node: IpfsNode
  readonly publisher: Publisher | undefined
  readonly mirrors: readonly OpenMirror[]
  readonly registry: OpenRegistry
  readonly mirrorErrors: MirrorErrors
  readonly replication: Replication
  readonly collector: Collector
  readonly ages: AgeClock
  readonly room: DiskRoom
  readonly log: Logger
}

function startNode(
  { network, limits }: Config,
  { fetched }: Storage,
  keychain: OpenKeys,
  { servable, log }: { servable: (cid: CID) => Promise<boolean>; log: Logger },
): Promise<IpfsNode> {
  return openNode(network, {
    ...keychain,
    blocks: fetched,
    servable,
    peerRate: limits.peerRate,
    log: log.child({ room: 'ipfs' }),
  })
}

async function openExchange(
  stack: AsyncDisposableStack,
  { state }: Storage,
  { records: network, keys }: IpfsNode,
  log: Logger,
): Promise<RecordExchange> {
  const exchange = new RecordExchange({
    network,
    held: state.map('records'),
    keychain: keys.keychain,
    log: log.child({ room: 'naming' }),
  })
  stack.defer(() => exchange.stop())
  await exchange.start()
  return exchange
}

async function startUpkeep(
  stack: AsyncDisposableStack,
  parts: CollectingParts & { end: LostEnd },
): Promise<Checking & { collector: Collector }> {
  const collector = stack.use(openCollector(parts))
  await collector.start()
  return { collector, ...(await startChecking(stack, { ...parts, collector })) }
}

async function startPublisher(
  stack: AsyncDisposableStack,
  config: Config,
  parts: PublisherParts,
): Promise<Publisher | undefined> {
  const publisher = await openPublisher(config, parts)
  if (publisher === undefined) return undefined
  stack.defer(() => publisher.stop())
  await publisher.start({ isResting: parts.storage.lane.stopped !== undefined })
  stack.defer(parts.node.onAddresses(() => publisher.move()))
  return publisher
}

async function startAll(
  stack: AsyncDisposableStack,
  mirrors: readonly OpenMirror[],
): Promise<void> {
  for (const mirror of mirrors) {
    stack.defer(() => mirror.stop())
    await mirror.start()
  }
}

/** Opens the doors, the one for clients last, so that it closes first. */
async function serve(
  stack: AsyncDisposableStack,
  whole: Whole,
  options: StartOptions,
): Promise<Listener> {
  const { config, directory, registry } = whole
  const { signal } = options
  const log = whole.log.child({ room: 'api' })
  const audit = stack.use(await AuditLog.open(config, whole.log.child({ room: 'daemon' })))
  const startedAt = new Date().toISOString()
  const told = { startedAt, address: undefined as string | undefined }
  const operations = {
    version: packageJson.version,
    readiness: () => readinessOf({ ...whole, audit }),
    status: () =>
      statusReport({
        ...whole,
        ...told,
        audit,
        tombstones: registry.tombstones,
        version: packageJson.version,
      }),
  }
  const path = await socketPath(directory)
  const control = controlOf(whole)
  const commands = createControlApp({ ...operations, control, audit, log })
  openDoor(stack, await listen(commands, { path, signal, log }))

  const app = createApp({
    ...operations,
    service: registry.service,
    access: whole.access,
    isStatusOpen: isStatusOpen(config),
    control,
    hosts: config.http.hosts,
    namespaces: config.http.namespaces,
    audit,
    log,
    ...clientOptions(config),
  })
  const port = { ...config.http.addr, ...portOptions(config, audit) }
  const http = await listen(app, { ...port, signal, log })
  openDoor(stack, http)
  told.address = http.address
  const forget = port.tls && options.onReload?.(() => void http.reload())
  if (forget !== undefined) stack.defer(forget)
  stack.defer(() => removeLock(directory))
  await writeLock(directory, {
    pid: options.pid ?? 0,
    startedAt,
    socket: path,
    http: http.address,
  })
  return http
}

function controlOf({ storage, mirrors, node, publisher, replication, ...whole }: Whole): Control {
  const trees = () => [...ownTrees(storage), ...mirrors.flatMap((mirror) => mirror.tree() ?? [])]
  const { collector, checker, rules } = whole
  const upkeep = { collector, checker, replication, rules }
  return new DaemonControl({ keys: node.keys, trees, storage, publisher, ...upkeep })
}

function openDoor(stack: AsyncDisposableStack, listener: Listener): void {
  stack.defer(() => listener.close({ signal: AbortSignal.timeout(DRAIN_TIME) }))
}

function asDaemon(
  stack: AsyncDisposableStack,
  { http, signal, ...whole }: Whole & { http: Listener; signal: AbortSignal },
): Daemon {
  const { config, node, publisher, collector, checker, log } = whole
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>()
  closed.catch(() => undefined) // whoever disposes of it is told as well
  const underWay = (): UnderWay => ({
    requests: http.running(),
    collection: collector.status().running?.phase,
    check: checker.isRunning,
    publishing: publisher?.status().pending === true,
  })
  return {
    httpAddress: { host: config.http.addr.host, port: http.port ?? 0 },
    peerId: node.peerId,
    ipnsName: publisher?.name.text,
    closed,
    [Symbol.asyncDispose]: async () => {
      if (stack.disposed) return closed
      const stopped = sayGoodbye(log.child({ room: 'daemon' }), { signal, underWay: underWay() })
      try {
        await stack.disposeAsync()
        stopped()
        resolve()
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
        throw error
      }
    },
  }
}
