import { Checker } from './checker.ts'
import { dataDirectory } from './data-directory.ts'
import { refuseMissing } from './refuse-missing.ts'
import { openStorage } from './storage.ts'
import { toldCheck } from './told-check.ts'
import type { Config } from '../config/schema.ts'

/**
 * Checks everything while no daemon runs: nobody can be asked for what is damaged.
 *
 * @yields how far it is, and at last `{"report": …}`, as the daemon tells it
 */
export async function* checkOffline(
  config: Config,
  { repair, signal }: { repair: boolean; signal: AbortSignal },
): AsyncGenerator<object> {
  const directory = dataDirectory(config.storage.path)
  await refuseMissing(directory.state, directory.path)
  await using storage = await openStorage(directory, () => Promise.resolve())
  await using checker = new Checker({ storage, isOnline: false, share: 1, now: Date.now })
  yield* toldCheck(checker, { repair, signal })
}
