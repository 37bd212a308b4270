import { RepositorySet } from '../oci/repository-pattern.ts'
import type { Policy } from './ports.ts'

const NOTHING = new RepositorySet([])

/** Where no policies are written: who has proved his name may do all, and nobody in particular nothing; administers nobody. */
export const KNOWN_USERS: Policy = {
  may: ({ user }) => user !== undefined,
  mayAdminister: () => false,
  view: ({ user }) => (user === undefined ? NOTHING : undefined),
}

/** The same under another token service, whose tokens say all there is to say. */
export const TOKEN_HOLDERS: Policy = {
  may: ({ grant }) => grant !== undefined,
  mayAdminister: () => false,
  view: ({ grant }) => (grant === undefined ? NOTHING : undefined),
}
