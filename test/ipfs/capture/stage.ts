import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { Lan } from '../../support/namespaces.ts'
import { readCapture } from './packets.ts'
import type { ChildProcess } from 'node:child_process'
import type { Interface } from 'node:readline'
import type { Namespace } from '../../support/namespaces.ts'
import type { Actions } from './host.ts'
import type { Packet } from './packets.ts'

const HOST = join(import.meta.dirname, 'host.ts')
/** Where `ip netns exec` finds the files that a namespace has instead of those in `/etc`. */
const ETC = '/etc/netns'

/** The way out of the network, and its DNS: nobody is there, so what goes there is seen and not answered. */
const GATEWAY = { ip4: '10.99.0.254', ip6: 'fd99::fe' }

/** A host that is listened to. */
export class WatchedHost {
  readonly address: string
  readonly #namespace: Namespace
  readonly #file: string
  readonly #child: ChildProcess
  readonly #answers: Interface
  #tcpdump: ChildProcess | undefined

  constructor(namespace: Namespace, address: string, directory: string) {
    this.#namespace = namespace
    this.address = address
    this.#file = join(directory, `${namespace.name}.pcap`)
    const child = namespace.spawn(process.execPath, [HOST], { stdio: ['pipe', 'pipe', 'inherit'] })
    if (child.stdout === null) throw new Error('a host without an output')
    this.#child = child
    this.#answers = createInterface({ input: child.stdout })
  }

  /** Its addresses, all of them. */
  own(): string[] {
    return this.#namespace
      .ip('-o', 'address', 'show', 'dev', 'eth0')
      .split('\n')
      .flatMap((line) => / inet6? ([^/]+)\//.exec(line)?.[1] ?? [])
  }

  /** Has something done there. @throws what went wrong there */
  async do<A extends keyof Actions>(
    action: A,
    ...parameters: Parameters<Actions[A]>
  ): Promise<Awaited<ReturnType<Actions[A]>>> {
    const answer = once(this.#answers, 'line') as Promise<[string]>
    this.#child.stdin?.write(`${JSON.stringify({ action, parameters })}\n`)
    const { result, error } = JSON.parse((await answer)[0]) as { result: unknown; error?: string }
    if (error !== undefined) throw new Error(`${action} on ${this.address}: ${error}`)
    return result as Awaited<ReturnType<Actions[A]>>
  }

  /** Runs a program there, whatever becomes of it. */
  async attempt(script: string): Promise<void> {
    const args = ['--input-type=module', '-e', script]
    await once(this.#namespace.spawn(process.execPath, args, { stdio: 'ignore' }), 'exit')
  }

  async listen(): Promise<void> {
    const args = ['-i', 'eth0', '-n', '-U', '-s', '0', '-Z', 'root', '-w', this.#file]
    const tcpdump = this.#namespace.spawn('tcpdump', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    if (tcpdump.stderr === null) throw new Error('a tcpdump that says nothing')
    this.#tcpdump = tcpdump
    for await (const line of createInterface({ input: tcpdump.stderr }))
      if (line.includes('listening on')) return
    throw new Error('tcpdump does not listen')
  }

  /** What was on its cable since {@link listen}. */
  async heard(): Promise<Packet[]> {
    await pause(500) // what is on its way
    const tcpdump = this.#tcpdump
    if (tcpdump === undefined) throw new Error('nobody listened')
    const gone = once(tcpdump, 'exit')
    tcpdump.kill('SIGINT')
    await gone
    return readCapture(await readFile(this.#file))
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }
}

/** A switch that leads nowhere else, and hosts at it that believe in a world behind its gateway. */
export class Stage implements AsyncDisposable {
  readonly #lan = new Lan()
  readonly #directory: string
  readonly #hosts: WatchedHost[] = []
  readonly #files: string[] = []

  private constructor(directory: string) {
    this.#directory = directory
    const { middle } = this.#lan
    middle.ip('address', 'add', `${GATEWAY.ip4}/24`, 'dev', 'br0')
    middle.ip('address', 'add', `${GATEWAY.ip6}/64`, 'dev', 'br0', 'nodad')
  }

  static async open(
    directory: string,
    labels: readonly string[],
  ): Promise<Stage & AsyncDisposable> {
    const stage = new Stage(directory)
    try {
      for (const label of labels) await stage.#add(label)
      await pause(3_000) // kernels introduce themselves to a new network
      return stage
    } catch (error) {
      await stage[Symbol.asyncDispose]()
      throw error
    }
  }

  get hosts(): readonly WatchedHost[] {
    return this.#hosts
  }

  async #add(label: string): Promise<void> {
    const host = this.#lan.host(label)
    const address = this.#lan.address(host)
    // No router speaks here, and none is to be asked for.
    for (const setting of ['accept_ra', 'router_solicitations'])
      host.run('sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/eth0/${setting}`)
    const number = address.split('.').at(-1) ?? ''
    host.ip('address', 'add', `fd99::${number}/64`, 'dev', 'eth0', 'nodad')
    host.ip('route', 'add', 'default', 'via', GATEWAY.ip4)
    host.ip('-6', 'route', 'add', 'default', 'via', GATEWAY.ip6)
    const etc = join(ETC, host.name)
    this.#files.push(etc)
    await mkdir(etc, { recursive: true })
    await writeFile(join(etc, 'resolv.conf'), `nameserver ${GATEWAY.ip4}\n`)
    this.#hosts.push(new WatchedHost(host, address, this.#directory))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.stop()))
    this.#lan[Symbol.dispose]()
    for (const file of this.#files) await rm(file, { recursive: true, force: true })
  }
}
