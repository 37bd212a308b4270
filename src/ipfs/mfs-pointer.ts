import { Key } from 'interface-datastore'
import { CID } from 'multiformats/cid'
import { isNamed } from './errors.ts'
import type { Datastore } from 'interface-datastore'

/** Where Kubo keeps its MFS root too. */
export const ROOT_KEY = '/local/filesroot'

/**
 * The MFS root as it was left, before it is set anew. `undefined` when there is none, or what is there is no CID: it only
 * serves to notice that something else is missing.
 */
export async function readMfsRoot(datastore: Datastore): Promise<CID | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await datastore.get(new Key(ROOT_KEY))
  } catch (error) {
    if (isNamed(error, 'NotFoundError')) return undefined
    throw error
  }
  try {
    return CID.decode(bytes)
  } catch {
    return undefined // whatever the decoder thinks is wrong with it
  }
}

/** It is no witness any longer of what there was; the next start sets it. */
export async function forgetMfsRoot(datastore: Datastore): Promise<void> {
  await datastore.delete(new Key(ROOT_KEY))
}
