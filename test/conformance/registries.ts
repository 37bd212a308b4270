import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Service, freePort } from '../e2e/support/service.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { findTool } from '../tools/find.ts'
import type { ToolName } from '../tools/catalog.ts'
import type { Suite } from './suites.ts'

/** A fresh, empty registry on loopback. */
export interface Running extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly host: string
  /** Kills it as a power cut does, and starts it again on the same data and the same address. */
  readonly killAndRestart?: () => Promise<void>
}

/** A registry that the suites are run against. */
export interface Registry {
  readonly id: string
  readonly title: string
  /** What tells it from another of the same program. */
  readonly variant?: string
  /** The program, unless it is this repository's. */
  readonly program?: ToolName
  /** How it is configured, for the record. */
  readonly configuration: string
  start(suite: Suite): Promise<Running>
}

export const HELIPORT: Registry = {
  id: 'heliport',
  title: 'Heliport',
  configuration:
    'defaults; `network.mode: offline`; `storage.validation: strict`, for sparse manifests `sparse`',
  async start({ validation }) {
    const daemon = await DaemonProcess.start({ config: { storage: { validation } } })
    return {
      host: daemon.host,
      killAndRestart: async () => {
        await daemon.kill()
        await daemon.restart()
      },
      [Symbol.asyncDispose]: () => daemon.remove(),
    }
  },
}

/** @param dedupe links the same blob in two repositories to one file; zot's default */
const zot = (dedupe: boolean): Pick<Registry, 'title' | 'program' | 'start'> => ({
  title: 'zot',
  program: 'zot-minimal',
  start: () =>
    serve('zot-minimal', (host, directory) => {
      const [address, port] = host.split(':')
      return {
        distSpecVersion: '1.1.1',
        storage: { rootDirectory: join(directory, 'data'), dedupe },
        http: { address, port },
        log: { level: 'error' },
      }
    }),
})

const ZOT: Registry = {
  ...zot(true),
  id: 'zot',
  configuration: 'the build without extensions; defaults, among them `storage.dedupe: true`',
}

const ZOT_WITHOUT_DEDUPE: Registry = {
  ...zot(false),
  id: 'zot-without-dedupe',
  variant: 'dedupe off',
  configuration: '`storage.dedupe: false`, as in the conformance runs of its own project',
}

const DISTRIBUTION: Registry = {
  id: 'distribution',
  title: 'CNCF Distribution',
  program: 'registry',
  configuration:
    'defaults, `storage.filesystem`, `storage.delete.enabled: true`; for sparse manifests `validation.manifests.indexes.platforms: none`',
  start: ({ validation }) =>
    serve('registry', (host, directory) => ({
      version: 0.1,
      log: { level: 'error' },
      storage: {
        filesystem: { rootdirectory: join(directory, 'data') },
        delete: { enabled: true },
      },
      http: { addr: host },
      ...(validation === 'sparse'
        ? { validation: { manifests: { indexes: { platforms: 'none' } } } }
        : {}),
    })),
}

/** Whom we compare ourselves with. */
export const PEERS: readonly Registry[] = [ZOT, ZOT_WITHOUT_DEDUPE, DISTRIBUTION]

/** Both take `serve <file>`, and JSON, which is YAML as well. */
async function serve(
  name: ToolName,
  configuration: (host: string, directory: string) => unknown,
): Promise<Running> {
  const program = await findTool(name)
  if (program === undefined) throw new Error(`${name} is not here`)
  const directory = await mkdtemp(join(tmpdir(), 'heliport-peer-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const host = `127.0.0.1:${await freePort()}`
    const file = join(directory, 'config.json')
    await writeFile(file, JSON.stringify(configuration(host, directory)))
    const answers = async () => {
      const { status } = await fetch(`http://${host}/v2/`)
      if (status !== 200) throw new Error(`${name} answers ${status}`)
    }
    // Distribution would send its traces to a collector.
    const service = await Service.start(program, ['serve', file], answers, {
      OTEL_TRACES_EXPORTER: 'none',
    })
    return {
      host,
      [Symbol.asyncDispose]: async () => {
        await service.stop()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}
