import { DaemonProcess } from '../support/daemon-process.ts'
import { distributionConfiguration, startPeer, zotConfiguration } from '../support/peer-registry.ts'
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
  start: () => startPeer('zot-minimal', { configuration: zotConfiguration({ dedupe }) }),
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

const SPARSE = { validation: { manifests: { indexes: { platforms: 'none' } } } }

const DISTRIBUTION: Registry = {
  id: 'distribution',
  title: 'CNCF Distribution',
  program: 'registry',
  configuration:
    'defaults, `storage.filesystem`, `storage.delete.enabled: true`; for sparse manifests `validation.manifests.indexes.platforms: none`',
  start: ({ validation }) =>
    startPeer('registry', {
      configuration: distributionConfiguration(validation === 'sparse' ? SPARSE : {}),
    }),
}

/** Whom we compare ourselves with. */
export const PEERS: readonly Registry[] = [ZOT, ZOT_WITHOUT_DEDUPE, DISTRIBUTION]
