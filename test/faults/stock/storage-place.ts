import { openStorage as openOurs } from '../../../src/daemon/storage.ts'
import { place } from './place.ts'

export { ownTrees } from '../../../src/daemon/storage.ts'

/** Ours, and notes where it is. */
export const openStorage: typeof openOurs = (directory, ...rest) => {
  place.path = directory.path
  return openOurs(directory, ...rest)
}
