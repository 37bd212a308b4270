import { ANONYMOUS } from './ports.ts'
import type { Access } from './ports.ts'

/**
 * `auth.mode: open`: everybody is nobody in particular and may do all in every repository, but not administer. What is
 * presented is not looked at: a client that logged in elsewhere must not fail here.
 */
export const OPEN_ACCESS: Access = {
  authenticator: {
    identify: async () => ANONYMOUS,
    admitsAnonymous: true,
    challenge: () => undefined,
  },
  policy: {
    may: () => true,
    mayAdminister: () => false,
    view: () => undefined,
  },
}
