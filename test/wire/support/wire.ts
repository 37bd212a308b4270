import { Lan, Namespace } from '../../support/namespaces.ts'
import { Host } from './host.ts'
import { NetemCable, hasNetem } from './netem.ts'
import { Relay } from './relayed-line.ts'

/**
 * Hosts at one switch that leads nowhere else, each at the end of a line that can be made long, narrow or bad:
 * `await using wire = new Wire()`. The kernel's netem does it where there is one, else a process in between.
 */
export class Wire implements AsyncDisposable {
  readonly #lan = new Lan()
  readonly #relay: Relay | undefined
  readonly #hosts: Host[] = []

  constructor() {
    if (!hasNetem()) this.#relay = new Relay(this.#lan)
  }

  /** Who shapes the lines here. */
  get shapedBy(): string {
    return this.#relay === undefined ? "the kernel's netem" : 'a relay (this kernel has no netem)'
  }

  async host(label: string): Promise<Host> {
    const lan = this.#lan
    const namespace = this.#relay === undefined ? lan.host(label) : Namespace.create(label)
    const cable = this.#relay?.line(namespace) ?? new NetemCable(lan, namespace)
    const host = await Host.open({ namespace, address: lan.address(namespace), cable })
    this.#hosts.push(host)
    return host
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host[Symbol.asyncDispose]()))
    this.#relay?.[Symbol.dispose]()
    this.#lan[Symbol.dispose]()
  }
}
