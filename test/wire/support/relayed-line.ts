import { once } from 'node:events'
import { join } from 'node:path'
import { Namespace, cable } from '../../support/namespaces.ts'
import { VXLAN, underlay } from './relay.ts'
import type { ChildProcess } from 'node:child_process'
import type { Lan } from '../../support/namespaces.ts'
import type { Cable } from './host.ts'
import type { Lines } from './line.ts'
import type { LineMessage } from './relay.ts'

const RELAY = join(import.meta.dirname, 'relay.ts')
/** So large that a VXLAN frame of a full packet fits. */
const UNDERLAY_MTU = '1600'

/** Lines through a process of ours: each host's `eth0`, and its port of the switch, are the ends of a VXLAN through it. */
export class Relay implements Disposable {
  readonly #lan: Lan
  readonly #namespace = Namespace.create('relay')
  readonly #process: ChildProcess
  #count = 0
  #messages = 0

  constructor(lan: Lan) {
    this.#lan = lan
    this.#process = this.#namespace.spawn(process.execPath, [RELAY], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
  }

  /** Plugs a host in, whose line does nothing to packets at first but carry them, from the first {@link Cable.shape} on. */
  line(host: Namespace): Cable {
    const line = ++this.#count
    const ends = underlay(line)
    this.#underlay([host, 'under', ends.host], [`host${line}`, ends.toHost])
    this.#underlay(
      [this.#lan.middle, `under${line}`, ends.switch],
      [`switch${line}`, ends.toSwitch],
    )
    vxlan(host, 'eth0', line, ends.host, ends.toHost)
    const port = this.#lan.port(host)
    vxlan(this.#lan.middle, port, line, ends.switch, ends.toSwitch)
    this.#lan.join(host)
    return {
      shape: (lines) => this.#set(line, lines),
      plug: (isIn) => this.#lan.plug(host, isIn),
    }
  }

  [Symbol.dispose](): void {
    this.#namespace[Symbol.dispose]()
  }

  #underlay(
    [far, farName, farAddress]: readonly [Namespace, string, string],
    [nearName, nearAddress]: readonly [string, string],
  ): void {
    cable([far, farName], [this.#namespace, nearName])
    far.ip('address', 'add', `${farAddress}/30`, 'dev', farName)
    this.#namespace.ip('address', 'add', `${nearAddress}/30`, 'dev', nearName)
    far.ip('link', 'set', farName, 'mtu', UNDERLAY_MTU)
    this.#namespace.ip('link', 'set', nearName, 'mtu', UNDERLAY_MTU)
  }

  async #set(line: number, lines: Lines): Promise<void> {
    const number = ++this.#messages
    const answered = Promise.withResolvers<void>()
    const onMessage = (message: unknown): void => {
      if (message === number) answered.resolve()
    }
    this.#process.on('message', onMessage)
    const message: LineMessage = { number, line, ...lines }
    this.#process.send(message)
    try {
      await Promise.race([answered.promise, once(this.#process, 'exit').then(died)])
    } finally {
      this.#process.off('message', onMessage)
    }
  }
}

function died(): never {
  throw new Error('the relay has ended')
}

/** One end of a line. Packets must be whole when they come out of the kernel: no large ones, and with their checksums. */
function vxlan(at: Namespace, name: string, id: number, local: string, remote: string): void {
  const tunnel = ['id', String(id), 'local', local, 'remote', remote, 'dstport', String(VXLAN)]
  at.ip('link', 'add', name, 'type', 'vxlan', ...tunnel, 'nolearning')
  at.ip('link', 'set', name, 'mtu', '1500')
  at.run('ethtool', '-K', name, 'tx', 'off', 'sg', 'off', 'tso', 'off', 'gso', 'off')
  at.ip('link', 'set', name, 'up')
}
