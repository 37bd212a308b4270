import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './command.ts'
import { BUSYBOX } from './needs.ts'
import { NO_WAY_OUT } from './no-way-out.ts'
import { Service } from './service.ts'
import { tar } from './tar.ts'

/** How a {@link DockerEngine} is started. */
export interface EngineOptions {
  /** Where its directory is made; among the temporary files, if not given. */
  below?: string
  /** The programs, if not those on the `PATH`. */
  dockerd?: string
  docker?: string
  /** What is in its `daemon.json`; nothing, if not given. */
  config?: string
  signal?: AbortSignal | undefined
}

/** A Docker engine of its own, with a client that knows only it. It has no network but the host's loopback. */
export class DockerEngine implements AsyncDisposable {
  /** With it, `docker` talks to this engine. */
  readonly env: Readonly<Record<string, string>>
  readonly #directory: string
  readonly #service: Service
  readonly #client: string

  private constructor(
    directory: string,
    service: Service,
    client: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.#directory = directory
    this.#service = service
    this.#client = client
    this.env = env
  }

  static async start({
    below = tmpdir(),
    dockerd = 'dockerd',
    docker = 'docker',
    config = '{}', // and not the machine's own
    signal,
  }: EngineOptions = {}): Promise<DockerEngine> {
    const directory = await mkdtemp(join(below, 'heliport-docker-'))
    await chmod(directory, 0o711) // as the engine wants it
    await writeFile(join(directory, 'engine.json'), config)
    const host = `unix://${join(directory, 'docker.sock')}`
    const env = { ...NO_WAY_OUT, DOCKER_HOST: host, DOCKER_CONFIG: join(directory, 'client') }
    const options = [
      ['--host', host],
      ['--data-root', join(directory, 'data')],
      ['--exec-root', join(directory, 'exec')],
      ['--pidfile', join(directory, 'docker.pid')],
      ['--config-file', join(directory, 'engine.json')],
      // A containerd that runs already is used too; its other engines must not see our containers.
      ['--containerd-namespace', 'heliport-e2e'],
      ['--containerd-plugins-namespace', 'heliport-e2e-plugins'],
      ['--storage-driver=vfs', '--bridge=none', '--iptables=false', '--ip6tables=false'],
    ].flat()
    const version = ['version', '--format', '{{.Server.Version}}']
    const answers = () => run(docker, version, { env, signal })
    try {
      const service = await Service.start(dockerd, options, answers, NO_WAY_OUT, signal)
      return new DockerEngine(directory, service, docker, env)
    } catch (error) {
      await rm(directory, { recursive: true, force: true })
      throw error
    }
  }

  /** Runs `docker` and gives what it wrote. */
  docker(...args: string[]): Promise<string> {
    return run(this.#client, args, { env: this.env })
  }

  /** Makes an image of a static busybox that prints these words when it is run. */
  async makeImage(name: string, words: string): Promise<void> {
    const busybox = await readFile(BUSYBOX)
    const archive = tar([
      { path: 'bin/' },
      { path: 'bin/busybox', content: busybox, mode: 0o755 },
      { path: 'bin/cat', link: 'busybox' },
      { path: 'words', content: words },
    ])
    const command = ['import', '--change', 'CMD ["/bin/cat", "/words"]', '-', name]
    await run(this.#client, command, { env: this.env, input: archive })
  }

  /** What a container of this image prints. */
  run(image: string): Promise<string> {
    return this.docker('run', '--rm', '--network=none', '--pull=never', image)
  }

  /** The digest that a registry said the image has. */
  async digest(image: string): Promise<string> {
    const text = await this.docker('inspect', '--format', '{{join .RepoDigests "\\n"}}', image)
    const repository = image.replace(/(@|:[^:/]*$).*$/, '')
    const line = text.split('\n').find((each) => each.startsWith(`${repository}@`))
    if (line === undefined) throw new Error(`${image} has no digest of ${repository}: ${text}`)
    return line.slice(repository.length + 1)
  }

  /** Forgets the images, so that a pull brings every layer again. */
  async forget(...images: string[]): Promise<void> {
    await this.docker('rmi', '--force', ...images)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service.stop()
    await rm(this.#directory, { recursive: true, force: true })
  }
}
