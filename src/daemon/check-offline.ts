import { rebuildState } from '../blocks/rebuild-state.ts'
import { DamagedDatabaseError, StateDb } from '../blocks/state-db.ts'
import { Checker } from './checker.ts'
import { dataDirectory } from './data-directory.ts'
import { findLoss } from './find-loss.ts'
import { LostEnd } from './regain.ts'
import { refuseMissing } from './refuse-missing.ts'
import { openStorage } from './storage.ts'
import { toldCheck } from './told-check.ts'
import { openWitness } from './witness.ts'
import type { Config } from '../config/schema.ts'
import type { CheckOptions } from './checker.ts'
import type { DataDirectory } from './data-directory.ts'

/**
 * Checks everything while no daemon runs: nobody can be asked for what is damaged.
 *
 * @yields how far it is, and at last `{"report": …}`, as the daemon tells it
 */
export async function* checkOffline(
  config: Config,
  how: CheckOptions & { signal: AbortSignal },
): AsyncGenerator<object> {
  const directory = dataDirectory(config.storage.path)
  await refuseMissing(directory.state, directory.path)
  await using stack = new AsyncDisposableStack()
  const rebuilt = how.repair ? await rebuiltState(directory) : undefined
  const storage = stack.use(await openStorage(directory, () => Promise.resolve()))
  const datastore = await openWitness(directory, stack)
  await findLoss({ directory, storage, datastore })
  const now = Date.now
  const end = new LostEnd({ directory, storage, datastore, now })
  const checker = stack.use(new Checker({ storage, end, rebuilt, isOnline: false, share: 1, now }))
  yield* toldCheck(checker, how)
}

/** Rebuilds the state database, when it cannot be opened, or not read to its end. @returns where a copy of what it was is */
async function rebuiltState({ state }: DataDirectory): Promise<string | undefined> {
  try {
    const opened = await StateDb.open(state)
    try {
      await opened.readThrough()
    } finally {
      await opened.close()
    }
    return undefined
  } catch (error) {
    if (!(error instanceof DamagedDatabaseError)) throw error
    return rebuildState(state, Date.now())
  }
}
