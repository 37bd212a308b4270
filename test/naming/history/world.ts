import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { SeededRandom } from '../../faults/random.ts'
import { keychain, makeKey, nameOf } from '../support.ts'
import { readRecord } from '../../../src/naming/record.ts'
import { Ether } from './ether.ts'
import { SimNetwork } from './net.ts'
import { SimNode, copyOf, emptyData } from './node.ts'
import { SimTime } from './time.ts'
import { Violation, Watch } from './watch.ts'
import type { PrivateKey } from '@ipshipyard/crypto'
import type { IpnsRecord } from '../../../src/naming/record.ts'
import type { DiskDefect } from './disk.ts'
import type { NodeData } from './node.ts'

/**
 * Who is connected to whom when all is well: the last mirror, and the one by domain, know neither writer. The liar is
 * connected to all.
 */
const LINKS = ['W1 M1', 'W1 M2', 'W2 M2', 'M1 M2', 'M2 M3', 'M1 M3', 'M3 M4', 'M2 D2'] as const
const IDS = ['W1', 'W2', 'M1', 'M2', 'M3', 'M4', 'D2'] as const
/** The peer that lies. */
const LIAR = 'H'

const MINUTE = 60_000
/** Records that are remembered for replays. */
const MAX_REMEMBERED = 200

/** Nodes, and everything between them. */
export class World {
  readonly random: SeededRandom
  readonly time = new SimTime()
  readonly ether: Ether<SimNetwork>
  readonly watch = new Watch()
  readonly nodes: readonly SimNode[]
  readonly key: PrivateKey
  readonly stranger: PrivateKey
  /** A name that nobody has published anything under. */
  readonly emptyName: string
  /** The name that the domain stands for; `undefined` while DNS fails. */
  domain: string | undefined
  readonly liar: SimNetwork
  /** Backups, by node. */
  readonly backups = new Map<string, NodeData>()
  /** Records that went out, for replays. */
  readonly records: IpnsRecord[] = []
  /** Whether the second writer may run. */
  hasTwoWriters = false
  readonly #remembered = new WeakSet<IpnsRecord>()
  #roots = 0

  private constructor(
    seed: number,
    keys: readonly [PrivateKey, PrivateKey, PrivateKey],
    defect: DiskDefect | undefined,
  ) {
    this.random = new SeededRandom(seed)
    ;[this.key, this.stranger] = keys
    this.domain = nameOf(this.key).text
    this.emptyName = nameOf(keys[2]).text
    this.ether = new Ether<SimNetwork>(this.time, this.random)
    const { time, random, ether, watch, key } = this
    const canHave = (node: SimNode, root: CID): boolean => this.#canHave(node, root)
    const resolve = (): Promise<string> =>
      this.domain === undefined
        ? Promise.reject(new Error('DNS does not answer'))
        : Promise.resolve(this.domain)
    const parts = { time, random, ether, watch, key, defect, canHave, resolve }
    this.nodes = IDS.map((id) => new SimNode(id, parts))
    this.liar = new SimNetwork(LIAR, ether, random, true)
    this.ether.dht.choose = (records) => this.#newest(records)
  }

  static async create(seed: number, defect?: DiskDefect): Promise<World> {
    const world = new World(seed, [await makeKey(), await makeKey(), await makeKey()], defect)
    world.ether.join(world.liar)
    for (const id of IDS) world.ether.link(id, LIAR)
    world.join()
    const first = world.node('W1')
    first.isNewKey = true
    for (const node of world.nodes) if (node.id !== 'W2') await world.start(node)
    return world
  }

  node(id: string): SimNode {
    const node = this.nodes.find((candidate) => candidate.id === id)
    if (node === undefined) throw new Error(`there is no ${id}`)
    return node
  }

  get writers(): SimNode[] {
    return this.nodes.filter(({ isWriter }) => isWriter)
  }

  get mirrors(): SimNode[] {
    return this.nodes.filter(({ isWriter }) => !isWriter)
  }

  /** One of them by chance. */
  any<T>(of: readonly T[]): T {
    const one = this.random.pick(of)
    if (one === undefined) throw new Error('there is none')
    return one
  }

  /** Every link there should be. */
  join(): void {
    for (const link of LINKS) {
      const [a = '', b = ''] = link.split(' ')
      this.ether.link(a, b)
    }
  }

  /** A root that there was not before. */
  async newRoot(): Promise<CID> {
    return CID.createV1(0x70, await sha256.digest(Buffer.from(`root ${this.#roots++}`)))
  }

  async pass(milliseconds: number): Promise<void> {
    await this.time.pass(milliseconds)
    this.watch.check()
    for (const { exchange } of this.nodes) {
      const held = exchange?.held(nameOf(this.key))
      if (held !== undefined) this.remember(held)
    }
  }

  remember(record: IpnsRecord): void {
    if (this.#remembered.has(record)) return
    this.#remembered.add(record)
    this.records.push(record)
    if (this.records.length > MAX_REMEMBERED) this.records.splice(0, MAX_REMEMBERED / 2)
  }

  async end(node: SimNode, how: 'stop' | 'crash'): Promise<void> {
    await this.#while(how === 'stop' ? node.stop() : node.crash(), `${node.id} does not stop`)
  }

  async start(node: SimNode): Promise<void> {
    await this.#while(node.start(), `${node.id} does not start`)
  }

  /** Lets time pass until something is done. */
  async #while(work: Promise<void>, complaint: string): Promise<void> {
    let isOver = false
    const done = work.finally(() => {
      isOver = true
    })
    done.catch(() => undefined) // it is awaited below
    for (let waited = 0; !isOver; waited += 100) {
      if (waited > 10 * MINUTE) throw new Violation(complaint)
      await this.pass(100)
    }
    await done
  }

  /** Somebody tells a writer to go on above another one; returns the sequence, or `undefined` when it met none. */
  takeOver({ id, publisher }: SimNode): bigint | undefined {
    const above = publisher?.takeOver()
    if (above !== undefined) this.watch.orders(id)
    return above
  }

  backUp(node: SimNode): void {
    this.backups.set(node.id, copyOf(node.data))
  }

  async replace(node: SimNode, data: NodeData = emptyData()): Promise<void> {
    const wasUp = node.isUp
    if (wasUp) await this.end(node, 'crash')
    node.data = copyOf(data)
    this.watch.replaced(node.id)
    if (wasUp) await this.start(node)
  }

  /** Heals everything: what is left to happen then happens by itself. */
  async heal(): Promise<void> {
    this.ether.isStormy = false
    this.ether.dht.isHonest = true
    this.liar.serve('', () => Promise.resolve(undefined))
    this.domain = nameOf(this.key).text
    this.join()
    for (const node of this.nodes) {
      node.clock.skew = 0
      node.trouble = 'none'
      if (node.disk !== undefined) node.disk.failures = 0
      if (node.id !== 'W2' || this.hasTwoWriters) await this.start(node)
    }
  }

  read(bytes: Uint8Array): Promise<IpnsRecord> {
    return readRecord(nameOf(this.key), bytes, keychain)
  }

  /** Whoever lies has what it lies about: only the rules keep it from being served. */
  #canHave(node: SimNode, root: CID): boolean {
    if (this.watch.isEvil(root)) return node.peers().includes(LIAR)
    return this.nodes.some(
      (other) =>
        other.isUp && other.data.blocks.has(root.toString()) && node.peers().includes(other.id),
    )
  }

  /** What an honest DHT answers with. It was told everything in order, so the newest good record is the last to be. */
  #newest(records: readonly Uint8Array[]): Uint8Array | undefined {
    const good = this.records.filter(
      ({ bytes, validUntil }) => validUntil > this.time.now && records.includes(bytes),
    )
    return good.toSorted((a, b) => (a.sequence < b.sequence ? -1 : 1)).at(-1)?.bytes
  }
}
