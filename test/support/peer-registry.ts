import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Service, freePort } from '../e2e/support/service.ts'
import { findTool } from '../tools/find.ts'
import type { ToolName } from '../tools/catalog.ts'

/** Somebody else's registry, which runs on loopback over a temporary directory. */
export interface PeerRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly host: string
  readonly pid: number
  /** Milliseconds from the start of the process until it answered. */
  readonly readyAfter: number
}

/** How one is started. */
export interface PeerOptions {
  /** Its configuration; both programs take JSON, which is YAML as well. */
  readonly configuration: (host: string, data: string) => unknown
  /** Puts something into its data directory before it starts. */
  readonly fill?: ((data: string) => Promise<void>) | undefined
}

/** Starts zot or Distribution: both take `serve <file>`. @throws when it is not here, or does not serve */
export async function startPeer(
  name: ToolName,
  { configuration, fill }: PeerOptions,
): Promise<PeerRegistry> {
  const program = await findTool(name)
  if (program === undefined) throw new Error(`${name} is not here`)
  const directory = await mkdtemp(join(tmpdir(), 'heliport-peer-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const host = `127.0.0.1:${await freePort()}`
    const [file, data] = [join(directory, 'config.json'), join(directory, 'data')]
    await writeFile(file, JSON.stringify(configuration(host, data)))
    await mkdir(data)
    await fill?.(data)
    const answers = async () => {
      const { status } = await fetch(`http://${host}/v2/`)
      if (status !== 200) throw new Error(`${name} answers ${status}`)
    }
    const began = performance.now()
    // Distribution would send its traces to a collector.
    const service = await Service.start(program, ['serve', file], answers, {
      OTEL_TRACES_EXPORTER: 'none',
    })
    return {
      host,
      pid: service.pid,
      readyAfter: performance.now() - began,
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

/** @param storage more of its `storage`: `dedupe` (its default is true), `commit` (false) */
export const zotConfiguration =
  (storage: { dedupe?: boolean; commit?: boolean } = {}) =>
  (host: string, rootDirectory: string) => {
    const [address, port] = host.split(':')
    return {
      distSpecVersion: '1.1.1',
      storage: { rootDirectory, ...storage },
      http: { address, port },
      log: { level: 'error' },
    }
  }

/** @param extra more of its configuration */
export const distributionConfiguration =
  (extra: object = {}) =>
  (host: string, rootdirectory: string) => ({
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory }, delete: { enabled: true } },
    http: { addr: host },
    ...extra,
  })
