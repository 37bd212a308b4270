import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import type { DaemonPlace } from '../../support/daemon-process.ts'
import type { Namespace } from '../../support/namespaces.ts'
import type { Lines } from './line.ts'

/** Where a daemon on a host serves; each host has a loopback of its own. */
const PORT = 5000
const DOOR = join(import.meta.dirname, 'door.ts')

/** How a host's line is changed. */
export interface Cable {
  shape(lines: Lines): Promise<void>
  /** Pulls the cable out, or puts it in again. */
  plug(isIn: boolean): void
}

/** A host on the wire, and a door through which the test, from outside, reaches the daemon that runs there. */
export class Host implements AsyncDisposable, DaemonPlace {
  readonly namespace: Namespace
  /** Its IPv4 address. */
  readonly address: string
  /** How the test reaches `http://127.0.0.1:5000` of this host. */
  readonly url: string
  readonly #cable: Cable
  readonly #door: ChildProcess

  private constructor(
    { namespace, address, cable }: { namespace: Namespace; address: string; cable: Cable },
    url: string,
    door: ChildProcess,
  ) {
    this.namespace = namespace
    this.address = address
    this.#cable = cable
    this.#door = door
    this.url = url
  }

  static async open(parts: { namespace: Namespace; address: string; cable: Cable }): Promise<Host> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const door = parts.namespace.spawn(process.execPath, [DOOR, String(PORT)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    door.send('door', server)
    await once(door, 'message')
    const { port } = server.address() as AddressInfo
    server.close() // it listens there from now on
    return new Host(parts, `http://127.0.0.1:${port}`, door)
  }

  /** What starts a program here. */
  get inside(): readonly [string, ...string[]] {
    return this.namespace.inside
  }

  get http(): string {
    return `127.0.0.1:${PORT}`
  }

  get listen(): string {
    return `/ip4/${this.address}/tcp/4001`
  }

  shape(lines: Lines): Promise<void> {
    return this.#cable.shape(lines)
  }

  /** Pulls the cable out of the switch. */
  unplug(): void {
    this.#cable.plug(false)
  }

  plug(): void {
    this.#cable.plug(true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#door, 'exit')
    this.#door.kill('SIGKILL')
    await gone
    this.namespace[Symbol.dispose]()
  }
}
