import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../e2e/support/command.ts'
import { NO_WAY_OUT } from '../../e2e/support/no-way-out.ts'
import { Service } from '../../e2e/support/service.ts'
import { isSecure, knownAuthority } from './transport.ts'
import type { World } from '../client.ts'

/** A containerd of its own, which knows nothing of the machine's. */
export class ContainerdEngine implements AsyncDisposable {
  /** With it, `ctr` talks to this engine. The snapshotter is the one that needs nothing of the kernel. */
  readonly env: Readonly<Record<string, string>>
  /** Where it listens. */
  readonly socket: string
  readonly #directory: string
  readonly #service: Service

  private constructor(
    directory: string,
    service: Service,
    socket: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.socket = socket
    this.#directory = directory
    this.#service = service
    this.env = env
  }

  /** @param kubernetes more of its configuration; given, it has Kubernetes' plug-in too */
  static async start(
    { directory: below, tool, signal }: Pick<World, 'directory' | 'tool' | 'signal'>,
    kubernetes?: string,
  ): Promise<ContainerdEngine> {
    const directory = await mkdtemp(join(below, 'containerd-'))
    try {
      const address = join(directory, 'containerd.sock')
      const config = join(directory, 'config.toml')
      await mkdir(join(directory, 'temporary'))
      await writeFile(config, configOf(directory, address, kubernetes))
      const env = {
        ...NO_WAY_OUT,
        TMPDIR: join(directory, 'temporary'),
        CONTAINERD_ADDRESS: address,
        CONTAINERD_NAMESPACE: 'heliport',
        CONTAINERD_SNAPSHOTTER: 'native',
      }
      const answers = () => run(tool('ctr'), ['version'], { env, signal })
      const service = await Service.start(
        tool('containerd'),
        ['--config', config],
        answers,
        env,
        signal,
      )
      return new ContainerdEngine(directory, service, address, env)
    } catch (error) {
      await rm(directory, { recursive: true, force: true })
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service.stop()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** What `ctr` has to be told of a registry on loopback, which it would speak plain HTTP with, or not verify. */
export async function ctrFlags(
  { directory }: Pick<World, 'directory'>,
  host: string,
): Promise<readonly string[]> {
  if (!isSecure(host)) return ['--plain-http']
  const hosts = join(directory, 'hosts')
  await mkdir(join(hosts, host), { recursive: true })
  const [server, ca] = [JSON.stringify(`https://${host}`), JSON.stringify(knownAuthority())]
  const settings = `server = ${server}\n[host.${server}]\nca = ${ca}\nskip_verify = false\n`
  await writeFile(join(hosts, host, 'hosts.toml'), settings)
  return ['--hosts-dir', hosts]
}

/** Kubernetes' plug-in looks for a network, and goes on without one. */
function configOf(directory: string, address: string, kubernetes: string | undefined): string {
  const plugin = 'io.containerd.grpc.v1.cri'
  return `
version = 2
root = ${JSON.stringify(join(directory, 'root'))}
state = ${JSON.stringify(join(directory, 'state'))}
disabled_plugins = ${JSON.stringify(kubernetes === undefined ? [plugin] : [])}
[grpc]
  address = ${JSON.stringify(address)}
[ttrpc]
  address = ${JSON.stringify(`${address}.ttrpc`)}
[plugins."${plugin}".containerd]
  snapshotter = "native"
${kubernetes ?? ''}`
}
