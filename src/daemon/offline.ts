import { exportTrees } from '../tree/export.ts'
import { dataDirectory } from './data-directory.ts'
import { openKeychain } from './keys.ts'
import { openStorage } from './storage.ts'
import type { OfflineKeys } from '../cli/daemon-face.ts'
import type { Config } from '../config/schema.ts'
import type { ExportProgress } from '../tree/export.ts'

/** The keychain for a command that runs while no daemon does. */
export async function openKeysOffline(config: Config): Promise<OfflineKeys> {
  const opened = await openKeychain(config, dataDirectory(config.storage.path))
  const { keys } = opened
  return {
    list: async () => (await keys.list()).map(({ name, ipnsName }) => ({ name, id: ipnsName })),
    export: (name) => keys.export(name),
    import: (name, bytes, options) => keys.import(name, bytes, options),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

/** Exports our own tree while no daemon runs. Mirrors need the network, and so a daemon. */
export async function exportOffline(
  config: Config,
  directory: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: ExportProgress) => void },
): Promise<void> {
  await using storage = await openStorage(dataDirectory(config.storage.path), () =>
    Promise.resolve(),
  )
  const own = { name: 'own', root: storage.lane.root, directories: storage.directories }
  for await (const progress of exportTrees([own], directory, { signal })) onProgress(progress)
}
