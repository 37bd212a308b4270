import { LevelDatastore } from 'datastore-level'
import { Key } from 'interface-datastore'
import { StartError, errorCode } from './errors.ts'

/** It holds little: keys, records, and peers. What was written lately is in memory, twice as much while tables are written. */
const OPTIONS = { createIfMissing: true, compression: false, writeBufferSize: 1024 * 1024 }

const SYNC_KEY = new Key('/heliport/synced')

/**
 * Opens libp2p's and the keychain's store.
 *
 * @throws StartError when another process has it open
 */
export async function openDatastore(directory: string): Promise<LevelDatastore> {
  const datastore = new LevelDatastore(directory)
  try {
    // Not `datastore.open()`: it turns every cause into one text.
    await datastore.db.open(OPTIONS)
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (errorCode(cause) === 'LEVEL_LOCKED') {
      throw new StartError(`${directory} is in use by another process`, { cause: error })
    }
    throw new StartError(`${directory} cannot be opened: ${messageOf(cause ?? error)}`, {
      cause: error,
    })
  }
  return datastore
}

/**
 * Returns when everything written to the store before is safe on disk. The store itself never syncs; LevelDB has one
 * log, so a synced write takes all earlier ones with it.
 */
export async function syncDatastore(datastore: LevelDatastore): Promise<void> {
  await datastore.db.put(SYNC_KEY.toString(), new Uint8Array(1), { sync: true })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
