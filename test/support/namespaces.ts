import { execFileSync, spawn } from 'node:child_process'
import type {
  ChildProcess,
  ExecFileSyncOptionsWithStringEncoding,
  SpawnOptions,
} from 'node:child_process'

const IPROUTE2 = 'ip'

/** `heliport-<pid of who made it>-<serial>-<label>`. */
const OURS = /^heliport-(\d+)-/

/** What must not outlive a test run that dies. */
const alive = new Set<Namespace>()
let serial = 0
process.on('exit', () => {
  for (const namespace of alive) namespace[Symbol.dispose]()
})

/**
 * A host of one's own: a Linux network namespace, which at first has nothing but its own loopback.
 * `using host = Namespace.create('mirror')`. Needs root and iproute2, see {@link missingForNamespaces}.
 */
export class Namespace implements Disposable {
  readonly name: string

  private constructor(name: string) {
    this.name = name
  }

  /** @param label letters, for whoever looks at `ip netns` */
  static create(label: string): Namespace {
    if (alive.size === 0) removeLeftovers()
    const namespace = new Namespace(`heliport-${process.pid}-${serial++}-${label}`)
    ip('netns', 'add', namespace.name)
    alive.add(namespace)
    namespace.ip('link', 'set', 'lo', 'up')
    return namespace
  }

  /** `ip` in this namespace. @returns what it wrote; @throws with what it said */
  ip(...args: string[]): string {
    return ip('-n', this.name, ...args)
  }

  /** What runs a program inside: put it in front of the command. `ip` becomes that program, under the same pid. */
  get inside(): readonly [string, ...string[]] {
    return [IPROUTE2, 'netns', 'exec', this.name]
  }

  /** Starts a program inside. It is killed with the namespace. */
  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [command, ...before] = this.inside
    return spawn(command, [...before, program, ...args], options)
  }

  /** Runs a program inside to its end. @returns what it wrote; @throws with what it said */
  run(program: string, ...args: string[]): string {
    const [command, ...before] = this.inside
    return execFileSync(command, [...before, program, ...args], OPTIONS)
  }

  /** Kills what still runs inside, and removes it with its ends of cables (and so the cables). */
  [Symbol.dispose](): void {
    if (alive.delete(this)) remove(this.name)
  }
}

/** A cable between two hosts; each end is an interface, which is up. */
export function cable(
  [a, nameA]: readonly [Namespace, string],
  [b, nameB]: readonly [Namespace, string],
): void {
  ip('link', 'add', nameA, 'netns', a.name, 'type', 'veth', 'peer', nameB, 'netns', b.name)
  a.ip('link', 'set', nameA, 'up')
  b.ip('link', 'set', nameB, 'up')
}

/** Hosts at one switch (a bridge in a namespace of its own), which leads nowhere else. */
export class Lan implements Disposable {
  /** The switch. Its ports are called like the hosts that are plugged in: {@link port}. */
  readonly middle = Namespace.create('switch')
  readonly #hosts: Namespace[] = []

  constructor() {
    this.middle.ip('link', 'add', 'br0', 'type', 'bridge')
    this.middle.ip('link', 'set', 'br0', 'up')
  }

  /** Another host, with a cable from its `eth0` to the switch. */
  host(label: string): Namespace {
    const host = Namespace.create(label)
    cable([host, 'eth0'], [this.middle, this.port(host)])
    this.join(host)
    return host
  }

  /**
   * Takes a host in whose `eth0` leads to its {@link port} somehow: it gets `10.99.0.<1, 2, …>/24`. Multicast goes
   * there too; there is no other route.
   */
  join(host: Namespace): void {
    this.middle.ip('link', 'set', this.port(host), 'master', 'br0')
    host.ip('address', 'add', `${this.address(host)}/24`, 'dev', 'eth0')
    host.ip('route', 'add', '224.0.0.0/4', 'dev', 'eth0')
  }

  /** Pulls a host's cable out of the switch, or puts it in again. */
  plug(host: Namespace, isIn: boolean): void {
    this.middle.ip('link', 'set', this.port(host), isIn ? 'up' : 'down')
  }

  address(host: Namespace): string {
    return `10.99.0.${this.#number(host)}`
  }

  /** The interface of the switch where a host's cable ends. */
  port(host: Namespace): string {
    return `port${this.#number(host)}`
  }

  /** Hosts count from one, in the order in which they are first spoken of. */
  #number(host: Namespace): number {
    if (!this.#hosts.includes(host)) this.#hosts.push(host)
    return this.#hosts.indexOf(host) + 1
  }

  [Symbol.dispose](): void {
    for (const host of [...this.#hosts, this.middle]) host[Symbol.dispose]()
  }
}

/** What is missing here for namespaces, one line each with the way to get it; empty when nothing is. */
export function missingForNamespaces(): string[] {
  if (process.platform !== 'linux') return ['Linux, whose network namespaces are the hosts']
  const missing: string[] = []
  if (process.getuid?.() !== 0) missing.push('root, which network namespaces need: use sudo')
  try {
    ip('-V')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    missing.push('ip: apt-get install iproute2')
  }
  return missing
}

const OPTIONS: ExecFileSyncOptionsWithStringEncoding = {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'pipe'],
}

function ip(...args: string[]): string {
  return execFileSync(IPROUTE2, args, OPTIONS)
}

function remove(name: string): void {
  for (const pid of ip('netns', 'pids', name).split('\n')) if (pid !== '') kill(Number(pid))
  ip('netns', 'delete', name)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Removes the namespaces, with what runs in them, of processes that have ended: who is killed cannot clean up. */
export function removeLeftovers(): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const [name = ''] = line.split(' ')
    const pid = Number(OURS.exec(name)?.[1])
    if (pid > 0 && !isRunning(pid)) remove(name)
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}
