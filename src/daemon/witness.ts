import { stat } from 'node:fs/promises'
import { isNotFound } from '../blocks/files.ts'
import { openDatastore } from '../ipfs/datastore.ts'
import type { LevelDatastore } from 'datastore-level'
import type { DataDirectory } from './data-directory.ts'

/** The other database, which knows what this one should have; none is made where there is none. */
export async function openWitness(
  { datastore: path }: DataDirectory,
  stack: AsyncDisposableStack,
): Promise<LevelDatastore | undefined> {
  try {
    await stat(path)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
  const datastore = await openDatastore(path)
  stack.defer(() => datastore.close())
  return datastore
}
