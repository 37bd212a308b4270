import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Service, freePort } from './service.ts'

/** Debian's `docker-registry` (the CNCF Distribution) over a directory. */
export class StockRegistry implements AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly host: string
  readonly #service: Service
  readonly #directory: string

  private constructor(host: string, service: Service, directory: string) {
    this.host = host
    this.#service = service
    this.#directory = directory
  }

  /** @param rootdirectory where `docker/registry/v2` is, or will be */
  static async start(rootdirectory: string): Promise<StockRegistry> {
    const directory = await mkdtemp(join(tmpdir(), 'heliport-stock-'))
    const host = `127.0.0.1:${await freePort()}`
    const file = join(directory, 'config.json') // JSON is YAML
    await writeFile(
      file,
      JSON.stringify({
        version: 0.1,
        log: { level: 'error' },
        storage: { filesystem: { rootdirectory } },
        http: { addr: host },
      }),
    )
    const answers = async () => {
      const { status } = await fetch(`http://${host}/v2/`)
      if (status !== 200) throw new Error(`the stock registry answers ${status}`)
    }
    const service = await Service.start('docker-registry', ['serve', file], answers)
    return new StockRegistry(host, service, directory)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service.stop()
    await rm(this.#directory, { recursive: true, force: true })
  }
}
