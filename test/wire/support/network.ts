import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { makeSwarmKey } from '../../support/swarm-key.ts'
import { temporaryDirectory } from '../../support/temporary.ts'
import { CLEAR } from './line.ts'
import { Wire } from './wire.ts'
import type { DaemonStatus } from '../../support/daemon-process.ts'
import type { Host } from './host.ts'

/** The modes in which hosts on a wire meet. */
export const MODES = ['lan', 'private'] as const
export type Mode = (typeof MODES)[number]

/** A host with a daemon on it. */
export interface Node {
  readonly host: Host
  readonly daemon: DaemonProcess
  readonly client: RegistryClient
}

interface NodeOptions {
  /** Whose registries it reads through. */
  readonly mirrors?: readonly Node[]
  /** Who is in its list of peers; the mirrors if not given. */
  readonly peers?: readonly Node[]
}

/** Daemons on hosts of their own, all in one mode, and of one private network where that is the mode. */
export class Network implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack()
  readonly #mode: Mode
  readonly wire: Wire
  readonly #keyFile: string

  private constructor(mode: Mode, wire: Wire, keyFile: string) {
    this.#mode = mode
    this.wire = wire
    this.#keyFile = keyFile
  }

  static async open(mode: Mode): Promise<Network> {
    await using stack = new AsyncDisposableStack()
    const { path } = stack.use(await temporaryDirectory())
    const network = new Network(mode, stack.use(new Wire()), await makeSwarmKey(path))
    network.#stack.use(stack.move())
    return network
  }

  async node(label: string, { mirrors = [], peers = mirrors }: NodeOptions = {}): Promise<Node> {
    const host = await this.wire.host(label)
    await host.shape(CLEAR)
    const swarm = this.#mode === 'private' ? { swarmKey: this.#keyFile } : {}
    const daemon = await DaemonProcess.start({
      place: host,
      mirrors: mirrors.map((node) => node.daemon.ipnsName),
      peers: peers.map((node) => node.daemon.peerAddress),
      config: { network: { mode: this.#mode, ...swarm } },
    })
    this.#stack.use(daemon)
    return { host, daemon, client: new RegistryClient(daemon.url) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

/** Waits until a mirror serves the root that its source has now. */
export async function follows(
  mirror: Node,
  source: Node,
  { timeout = 60_000 }: { timeout?: number } = {},
): Promise<DaemonStatus> {
  const { storage } = await source.daemon.status()
  return mirror.daemon.until(
    ({ mirrors }) =>
      mirrors.some(({ name, root }) => name === source.daemon.ipnsName && root === storage.root),
    { timeout },
  )
}
