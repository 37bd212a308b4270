import { StartError } from '../ipfs/errors.ts'
import { exportTrees } from '../tree/export.ts'
import { dataDirectory } from './data-directory.ts'
import { checkFormat } from './data-format.ts'
import { openKeychain } from './keys.ts'
import { findLoss } from './find-loss.ts'
import { refuseMissing } from './refuse-missing.ts'
import { openStorage, ownTrees } from './storage.ts'
import { told } from './told.ts'
import { openWitness } from './witness.ts'
import type { OfflineKeys } from '../cli/daemon-face.ts'
import type { Config } from '../config/schema.ts'
import type { Keys } from '../ipfs/keys.ts'
import type { ExportProgress } from '../tree/export.ts'

/**
 * The keychain for a command that runs while no daemon does. Only an import makes a keychain where there is none: that
 * is how a key is restored before the first start, while to show one there means that the path is wrong.
 */
export async function openKeysOffline(config: Config): Promise<OfflineKeys> {
  const directory = dataDirectory(config.storage.path)
  const stack = new AsyncDisposableStack()
  let opened: Keys | undefined
  const open = async (): Promise<Keys> => {
    await checkFormat(directory.path)
    return (opened ??= stack.use(await openKeychain(config, directory)).keys)
  }
  const existing = async (): Promise<Keys> => {
    await refuseMissing(directory.datastore, directory.path)
    return open()
  }
  return {
    list: async () =>
      (await (await existing()).list()).map(({ name, ipnsName }) => ({ name, id: ipnsName })),
    export: async (name) => (await existing()).export(name),
    import: async (name, bytes, options) => (await open()).import(name, bytes, options),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Exports our own tree while no daemon runs. Mirrors need the network, and so a daemon. */
export async function exportOffline(
  config: Config,
  directory: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: ExportProgress) => void },
): Promise<void> {
  const from = dataDirectory(config.storage.path)
  await refuseMissing(from.state, from.path)
  await using stack = new AsyncDisposableStack()
  const storage = stack.use(await openStorage(from, () => Promise.resolve()))
  await findLoss({ directory: from, storage, datastore: await openWitness(from, stack) })
  if (storage.lane.stopped instanceof Error) throw new StartError(storage.lane.stopped.message)
  const progress = { files: 0, bytes: 0 }
  const work = (either: AbortSignal): AsyncIterable<ExportProgress> =>
    exportTrees(ownTrees(storage), directory, { signal: either, progress })
  for await (const { files, bytes } of told(work, () => progress, { signal }))
    onProgress({ files, bytes })
}
