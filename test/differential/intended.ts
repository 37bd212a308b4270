import { DIGESTS } from './intended/digests.ts'
import { HTTP } from './intended/http.ts'
import { LISTS } from './intended/lists.ts'
import { MANIFEST_ENTRIES } from './intended/manifests.ts'
import { UPLOADS } from './intended/uploads.ts'
import type { Intended } from './intended/entry.ts'

export type { Intended } from './intended/entry.ts'

/** The differences that are meant to be, each with its reason. At most 20, which a test keeps. */
export const INTENDED: readonly Intended[] = [
  ...UPLOADS,
  ...DIGESTS,
  ...MANIFEST_ENTRIES,
  ...LISTS,
  ...HTTP,
]
