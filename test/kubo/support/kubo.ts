import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import { NO_WAY_OUT } from '../../e2e/support/no-way-out.ts'
import { Service, freePort } from '../../e2e/support/service.ts'
import { merge } from '../../support/merge.ts'
import { findTool } from '../../tools/find.ts'
import { loopbackConfig } from './loopback-config.ts'
import type { Section } from '../../support/merge.ts'

export interface KuboOptions {
  /** A profile of `ipfs init`, such as `unixfs-v1-2025`; without one files are added as Kubo does by default. */
  readonly profile?: string
  /** The text of a `swarm.key`. */
  readonly swarmKey?: string
  /** Shell commands that make the repository, instead of `ipfs init` and {@link loopbackConfig}; only ports are changed. */
  readonly setUp?: string
  /** Where shell commands run. */
  readonly directory?: string
  /** More of the configuration, over {@link loopbackConfig}. */
  readonly config?: Section
}

/** A real Kubo daemon on loopback, with a repository of its own. After a {@link stop} it can be started again. */
export class Kubo implements AsyncDisposable {
  readonly #repository: string
  readonly #ipfs: string
  readonly #api: string
  readonly #directory: string | undefined
  #daemon: Service | undefined
  /** Its peer id. */
  id = ''
  /** Its multiaddr with `/p2p/…`. */
  address = ''

  private constructor(repository: string, ipfs: string, api: string, directory?: string) {
    this.#repository = repository
    this.#ipfs = ipfs
    this.#api = api
    this.#directory = directory
  }

  static async start(options: KuboOptions = {}): Promise<Kubo> {
    const ipfs = await findTool('ipfs')
    if (ipfs === undefined) throw new Error('there is no ipfs: npm run tools -- ipfs')
    const ports = { swarm: await freePort(), api: await freePort() }
    const repository = await mkdtemp(join(tmpdir(), 'heliport-kubo-'))
    const kubo = new Kubo(repository, ipfs, `http://127.0.0.1:${ports.api}`, options.directory)
    try {
      await kubo.#init(options, ports)
      await kubo.restart()
      return kubo
    } catch (error) {
      await kubo[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Runs `ipfs`. @returns what it wrote, without the end of the line; @throws with what it said */
  async ipfs(args: readonly string[], input?: Uint8Array): Promise<string> {
    return (await run(this.#ipfs, args, { env: this.#env, input, timeout: 60_000 })).trimEnd()
  }

  /** Runs shell commands, where `ipfs` is this one, to the first that fails. @returns what they wrote */
  shell(commands: string, variables: Readonly<Record<string, string>> = {}): Promise<string> {
    const path = `${dirname(this.#ipfs)}${delimiter}${process.env['PATH'] ?? ''}`
    const env = { ...this.#env, PATH: path, ...variables }
    return run('sh', ['-eu', '-c', commands], { env, cwd: this.#directory, timeout: 60_000 })
  }

  async restart(): Promise<void> {
    await this.stop()
    const answers = async () => {
      const response = await fetch(`${this.#api}/api/v0/version`, { method: 'POST' })
      if (!response.ok) throw new Error(`Kubo answers ${response.status}`)
    }
    this.#daemon = await Service.start(this.#ipfs, ['daemon'], answers, this.#env)
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop()
    this.#daemon = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.#repository, { recursive: true, force: true })
  }

  get #env(): Record<string, string> {
    return { ...NO_WAY_OUT, IPFS_PATH: this.#repository, IPFS_TELEMETRY: 'off' }
  }

  async #init(options: KuboOptions, ports: { swarm: number; api: number }): Promise<void> {
    const { profile, swarmKey, config = {}, setUp } = options
    const profiles = profile === undefined ? [] : [`--profile=${profile}`]
    if (setUp === undefined) await this.ipfs(['init', '--empty-repo', ...profiles])
    else await this.shell(setUp)
    const file = join(this.#repository, 'config')
    const written = JSON.parse(await readFile(file, 'utf8')) as Section
    const { Addresses } = loopbackConfig(ports)
    const ours = setUp === undefined ? loopbackConfig(ports) : { Addresses }
    await writeFile(file, JSON.stringify(merge(merge(written, ours), config), null, 2))
    if (swarmKey !== undefined)
      await writeFile(join(this.#repository, 'swarm.key'), swarmKey, { mode: 0o600 })
    this.id = await this.ipfs(['config', 'Identity.PeerID'])
    this.address = `/ip4/127.0.0.1/tcp/${ports.swarm}/p2p/${this.id}`
  }
}
