import { CID } from 'multiformats/cid'
import { DnsLinkMirror } from '../../../src/naming/dnslink-mirror.ts'
import { partOf } from '../../../src/naming/mirror-state.ts'
import { Mirror } from '../../../src/naming/mirror.ts'
import { Publisher } from '../../../src/naming/publisher.ts'
import { RecordExchange } from '../../../src/naming/record-exchange.ts'
import { LIFETIME, keychain, nameOf, silent } from '../support.ts'
import { SimDisk } from './disk.ts'
import { SimNetwork } from './net.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { FollowedName } from '../../../src/naming/mirror.ts'
import type { DurableMap } from '../../../src/registry/ports.ts'
import type { SeededRandom } from '../../faults/random.ts'
import type { DiskContent, DiskDefect } from './disk.ts'
import type { Ether } from './ether.ts'
import type { SimTime, WallClock } from './time.ts'
import type { Watch } from './watch.ts'

/** What mirrors by domain follow. */
const DOMAIN = 'registry.example.org'

/** What a node is made of. */
export interface NodeParts {
  readonly key: PrivateKey
  readonly time: SimTime
  readonly random: SeededRandom
  readonly ether: Ether<SimNetwork>
  readonly watch: Watch
  readonly defect?: DiskDefect | undefined
  /** Whether a node is connected to somebody who has this root. */
  readonly canHave: (node: SimNode, root: CID) => boolean
  /** The name that the domain stands for now. @throws while DNS fails */
  readonly resolve: () => Promise<string>
}

/** What a disk holds, besides the state of the naming room. */
export interface NodeData {
  readonly state: DiskContent
  /** Roots whose blocks are here. */
  readonly blocks: Set<string>
  /** Roots that were committed here. */
  readonly journal: Set<string>
  /** The root of the tree; `undefined` while nothing was ever pushed. */
  lane: CID | undefined
}

/** One node of a history, over all its lives: a writer of the name, or a mirror of it, or of a domain. */
export class SimNode {
  readonly id: string
  readonly isWriter: boolean
  readonly clock: WallClock
  readonly #parts: NodeParts
  data: NodeData = emptyData()
  /** Whether the key was made here, at the next start. */
  isNewKey = false
  /** Fetches of blocks hang, or fail. */
  trouble: 'none' | 'hangs' | 'fails' = 'none'
  publisher: Publisher | undefined
  mirror: FollowedName | undefined
  exchange: RecordExchange | undefined
  disk: SimDisk | undefined
  #network: SimNetwork | undefined

  constructor(id: string, parts: NodeParts) {
    this.id = id
    this.isWriter = id.startsWith('W')
    this.#parts = parts
    this.clock = parts.time.wallClock()
  }

  get isUp(): boolean {
    return this.#network !== undefined
  }

  /** How often it asked somebody in this life. */
  get lookups(): number {
    return this.#network?.lookups ?? 0
  }

  /** Who is connected. */
  peers(): string[] {
    return this.#network?.peers() ?? []
  }

  async start(): Promise<void> {
    if (this.isUp) return
    const { time, random, ether, defect, watch } = this.#parts
    const hasDht = this.id.endsWith('1')
    const disk = new SimDisk(this.data.state, time, random, defect)
    this.disk = disk
    this.#network = new SimNetwork(this.id, ether, random, hasDht)
    const { clock } = this
    this.exchange = new RecordExchange({
      network: this.#network,
      held: disk.map('records'),
      keychain,
      log: silent,
      clock,
    })
    await this.exchange.start()
    if (this.isWriter) this.#startPublisher(disk, this.exchange)
    else {
      const states = disk.map('mirrors')
      this.mirror = this.id.startsWith('D')
        ? this.#makeDomainMirror(disk, states, this.exchange)
        : this.#makeMirror(nameOf(this.#parts.key).text, states, this.exchange)
      await this.mirror.start()
      const { root, sequence } = this.mirror.status()
      if (root === undefined) watch.servesNothing(this.id)
      else watch.serves(this.id, BigInt(sequence ?? -1), CID.parse(root))
    }
    ether.join(this.#network)
  }

  /** Ends as SIGTERM does. Time must pass for it to come to its end. */
  stop(): Promise<void> {
    const [publisher, mirror, exchange, network] = [
      this.publisher,
      this.mirror,
      this.exchange,
      this.#network,
    ]
    if (network !== undefined) this.#parts.ether.leave(network)
    this.publisher = this.mirror = this.exchange = this.#network = undefined
    return (async () => {
      await Promise.all([publisher?.stop(), mirror?.stop()])
      exchange?.stop()
    })()
  }

  /** Ends as SIGKILL does: what is on its way to the disk may get there or not. */
  async crash(): Promise<void> {
    this.disk?.crash()
    await this.stop()
  }

  /** A change of the registry: from now on it is to be published. */
  push(root: CID): void {
    this.data.blocks.add(root.toString())
    this.data.journal.add(root.toString())
    this.data.lane = root
    this.publisher?.publish(root)
  }

  #startPublisher(disk: SimDisk, exchange: RecordExchange): void {
    const { key, watch } = this.#parts
    const written = this.data.state.get(`publisher/${nameOf(key).text}`)
    watch.begins(this.id, written !== undefined && isStanding(written))
    const tell = exchange.tell.bind(exchange)
    // Only the publisher tells anything on a writer.
    exchange.tell = (name, record) => {
      watch.told(this.id, record)
      return tell(name, record)
    }
    this.publisher = new Publisher(
      {
        key,
        keychain,
        exchange,
        state: this.#publisherState(disk.map('publisher')),
        clock: this.clock,
        log: silent,
        addresses: () => [],
        isNewKey: this.isNewKey,
        expectsPeers: true,
        isOurs: (root) => Promise.resolve(this.data.journal.has(root.toString())),
      },
      { lifetime: LIFETIME },
    )
    this.isNewKey = false
    void this.publisher.start()
    if (this.data.lane !== undefined) this.publisher.publish(this.data.lane)
  }

  /** What gets to the disk is looked at. */
  #publisherState(map: DurableMap): DurableMap {
    const put = async (key: string, value: Uint8Array): Promise<void> => {
      await map.put(key, value)
      this.#parts.watch.stands(this.id, isStanding(value))
    }
    return { ...map, put }
  }

  #makeDomainMirror(disk: SimDisk, states: DurableMap, exchange: RecordExchange): FollowedName {
    const mirror: FollowedName = new DnsLinkMirror(DOMAIN, {
      state: disk.map('dnslink'),
      resolve: () => this.#parts.resolve(),
      follow: (name) => this.#makeMirror(name, partOf(states, DOMAIN), exchange, () => mirror),
      clock: this.clock,
      log: silent,
    })
    return mirror
  }

  #makeMirror(
    name: string,
    state: DurableMap,
    exchange: RecordExchange,
    domain: () => FollowedName | undefined = () => undefined,
  ): Mirror {
    const { watch } = this.#parts
    const mirror: Mirror = new Mirror(name, {
      exchange,
      keychain,
      state,
      clock: this.clock,
      log: silent,
      advance: (to, _from, { signal }) => this.#fetch(to, signal),
      dial: () => Promise.resolve(false),
      onRoot: (root) => {
        // A domain that has just moved on is not served by what arrives under the name before.
        if (domain() !== undefined && domain()?.root()?.equals(root) !== true) return
        watch.serves(this.id, BigInt(mirror.status().sequence ?? -1), root)
      },
    })
    return mirror
  }

  async #fetch(root: CID, signal: AbortSignal): Promise<void> {
    const { random, canHave } = this.#parts
    if (this.trouble === 'hangs') await this.clock.sleep(2 ** 40, signal)
    await this.clock.sleep(random.between(1, 400), signal)
    if (this.data.blocks.has(root.toString())) return
    if (this.trouble === 'fails' || !canHave(this, root))
      throw new Error(`no peer has ${root.toString()}`)
    this.data.blocks.add(root.toString())
  }
}

/** Whether this state of a publisher knows of another writer. */
function isStanding(state: Uint8Array): boolean {
  return 'conflict' in (JSON.parse(Buffer.from(state).toString('utf8')) as object)
}

export function emptyData(): NodeData {
  return { state: new Map(), blocks: new Set(), journal: new Set(), lane: undefined }
}

export function copyOf(data: NodeData): NodeData {
  return {
    state: new Map(data.state),
    blocks: new Set(data.blocks),
    journal: new Set(data.journal),
    lane: data.lane,
  }
}
