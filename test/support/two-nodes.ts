import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { loadConfig } from '../../src/config/load.ts'
import { startDaemon } from '../../src/daemon.ts'
import { RegistryClient } from './client.ts'
import type { Daemon } from '../../src/cli/daemon-face.ts'
import type { Environment } from '../../src/config/environment.ts'
import type { DaemonStatus } from './daemon-process.ts'

/** `GET /api/v1/status`, with what only these specs look at. */
export type NodeStatus = Omit<DaemonStatus, 'mirrors'> & {
  mirrors: (DaemonStatus['mirrors'][number] & {
    staleSince: string | null
    replication: {
      mode: string
      state: string
      root: string | null
      blobsDone: number
      blobsTotal: number
      bytesDone: number
      bytesTotal: number
      completeRoot: string | null
      completedAt: string | null
      error: string | null
    }
  })[]
  storage: { tombstones: { name: string; kind: string; what: string; at: string }[] }
}

/** A registry that is mirrored in another way than by default; the words are those of the configuration. */
export interface Policy {
  key: TestNode | string
  replicate?: 'lazy' | 'full'
  repositories?: readonly string[]
  maxStale?: string
  deadline?: string
  /** Files of public keys. */
  signedBy?: readonly string[]
}

/** What a node reads through, and from whom. */
export interface NodeOptions {
  /** Whose registries, in order. A node that runs is also a peer; text is an IPNS name alone. */
  mirrors?: readonly (TestNode | string | Policy)[]
  /** Nodes, or multiaddrs, to stay connected to besides. */
  peers?: readonly (TestNode | string)[]
  /** Has no key to publish under, and takes no pushes. */
  readOnly?: boolean
  /** More of the configuration, as environment variables. */
  env?: Environment
}

/**
 * A whole daemon in this process, on loopback, with everything a real one has except a process of its own: it cannot
 * be killed (`DaemonProcess` can), but it starts in a tenth of a second.
 */
export class TestNode implements AsyncDisposable {
  readonly #directory: string
  #options: NodeOptions
  #daemon: Daemon | undefined
  #port = 0
  /** Its IPNS name; empty on a read-only node. */
  name = ''
  /** Its multiaddr with `/p2p/…`, also while it is stopped. */
  address = ''
  /** Everything it logged. */
  readonly log: string[] = []

  private constructor(directory: string, options: NodeOptions) {
    this.#directory = directory
    this.#options = options
  }

  /** Starts a node with an empty data directory. */
  static async start(options: NodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(await mkdtemp(join(tmpdir(), 'heliport-node-')), options)
    try {
      await node.restart()
      return node
    } catch (error) {
      await node[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Its data directory. */
  get data(): string {
    return join(this.#directory, 'data')
  }

  get client(): RegistryClient {
    return new RegistryClient(`http://127.0.0.1:${this.#port}`)
  }

  get port(): number {
    return this.#port
  }

  /** Starts it on what it has, at the addresses it had. @param options what changes; the rest stays */
  async restart(options: NodeOptions = {}): Promise<void> {
    await this.stop()
    this.#options = { ...this.#options, ...options }
    const { config } = await loadConfig({ env: this.#environment(), cwd: this.#directory })
    const log = { write: (lines: string) => void this.log.push(lines) }
    this.#daemon = await startDaemon(config, { signal: new AbortController().signal, log })
    this.#port = this.#daemon.httpAddress.port
    this.name = this.#daemon.ipnsName ?? ''
    this.address = (await this.status()).addresses[0] ?? ''
  }

  /** Stops it as SIGTERM does. Its data stay until it is disposed of. */
  async stop(): Promise<void> {
    const daemon = this.#daemon
    this.#daemon = undefined
    await daemon?.[Symbol.asyncDispose]()
  }

  async status(): Promise<NodeStatus> {
    return (await this.client.expect(200, 'GET', '/api/v1/status')).json() as NodeStatus
  }

  /** Asks until the status is as wanted. @throws with the last one when it takes too long */
  async until(wanted: (status: NodeStatus) => boolean, what: string): Promise<NodeStatus> {
    let last: NodeStatus | undefined
    await eventually(
      async () => wanted((last = await this.status())),
      () => `${what}; the status is ${JSON.stringify(last)}`,
    )
    return last as NodeStatus
  }

  /** Waits until this node serves the root that another has now. */
  async follows(other: TestNode): Promise<void> {
    const { storage } = await other.status()
    await this.until(
      ({ mirrors }) =>
        mirrors.some(({ name, root }) => name === other.name && root === storage.root),
      `the root ${storage.root} of the mirror`,
    )
  }

  /** Waits until this node has a whole copy of what another has now. */
  async copies(other: TestNode): Promise<void> {
    const { storage } = await other.status()
    await this.until(
      ({ mirrors }) =>
        mirrors.some(
          ({ name, replication: { state, completeRoot } }) =>
            name === other.name && state === 'complete' && completeRoot === storage.root,
        ),
      `the whole of ${storage.root}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.#directory, { recursive: true, force: true })
  }

  #environment(): Environment {
    const { mirrors = [], peers = [], readOnly = false, env = {} } = this.#options
    const nodes = mirrors.map(keyOf).filter((mirror) => mirror instanceof TestNode)
    const addresses = [...nodes, ...peers].map((peer) => textOf(peer, 'address'))
    const listen = this.address.replace(/\/p2p\/.*$/, '') || '/ip4/127.0.0.1/tcp/0'
    const lists = {
      REGISTRY_IPNS_READONLYKEYS: mirrors.length === 0 ? '' : JSON.stringify(mirrors.map(entryOf)),
      REGISTRY_NETWORK_PEERS: [...new Set(addresses)].join(),
    }
    return {
      REGISTRY_HTTP_ADDR: `127.0.0.1:${this.#port}`,
      REGISTRY_STORAGE_PATH: this.data,
      REGISTRY_NETWORK_MODE: 'offline',
      REGISTRY_NETWORK_LISTEN: listen,
      REGISTRY_LOG_FORMAT: 'json',
      ...Object.fromEntries(Object.entries(lists).filter(([, text]) => text !== '')),
      ...(readOnly ? { REGISTRY_IPNS_WRITEKEY: '' } : {}),
      ...env,
    }
  }
}

function keyOf(mirror: TestNode | string | Policy): TestNode | string {
  return typeof mirror === 'object' && 'key' in mirror ? mirror.key : mirror
}

/** As it is written in `ipns.readOnlyKeys`. */
function entryOf(mirror: TestNode | string | Policy): string | object {
  const key = textOf(keyOf(mirror), 'name')
  return typeof mirror === 'object' && 'key' in mirror ? { ...mirror, key } : key
}

function textOf(node: TestNode | string, key: 'name' | 'address'): string {
  return typeof node === 'string' ? node : node[key]
}

/** A publisher, and a node that knows nothing but its key and where it is. */
export async function twoNodes(
  options: NodeOptions = {},
): Promise<{ a: TestNode; b: TestNode } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const a = stack.use(await TestNode.start())
  const b = stack.use(await TestNode.start({ mirrors: [a], ...options }))
  const opened = stack.move()
  return { a, b, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/**
 * Asks again and again until the answer is yes: what a node makes of the network shows nowhere else than in its answers.
 *
 * @throws with `what` after a quarter of a minute
 */
export async function eventually(
  condition: () => Promise<boolean> | boolean,
  what: string | (() => string),
): Promise<void> {
  const end = performance.now() + 15_000
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`it never came: ${typeof what === 'string' ? what : what()}`)
    await pause(20)
  }
}
