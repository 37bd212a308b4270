import { Namespace, cable } from '../../support/namespaces.ts'

/** A host with one interface besides its loopback, to which everything else is routed, and where nothing arrives. */
export class Uplink implements Disposable {
  readonly #host = Namespace.create('uplink')

  constructor() {
    // The kernel itself must not speak there, so that every packet is a program's.
    this.#host.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6')
    cable([this.#host, 'nowhere'], [this.#host, 'end'])
    this.#host.ip('address', 'add', '192.0.2.1/24', 'dev', 'nowhere')
    this.#host.ip('neigh', 'add', '192.0.2.2', 'lladdr', '02:00:00:00:00:01', 'dev', 'nowhere')
    this.#host.ip('route', 'add', 'default', 'via', '192.0.2.2')
  }

  /** What starts a program there. */
  get inside(): readonly [string, ...string[]] {
    return this.#host.inside
  }

  /** How many packets were sent there. */
  packets(): number {
    return Number(this.#host.run('cat', '/sys/class/net/nowhere/statistics/tx_packets'))
  }

  [Symbol.dispose](): void {
    this.#host[Symbol.dispose]()
  }
}
