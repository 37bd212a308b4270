import { ANONYMOUS } from './ports.ts'
import type { Logins } from './logins.ts'
import type { Authenticator } from './ports.ts'

/** What asks for a name and a password (RFC 7617). Clients show the realm to people. */
export const BASIC_CHALLENGE = 'Basic realm="Heliport", charset="UTF-8"'

/** `auth.mode: htpasswd`: a name and a password with each request. */
export function htpasswdAuthenticator(logins: Logins): Authenticator {
  return {
    identify: async (presented) => {
      const user = await logins.login(presented)
      return user === undefined ? ANONYMOUS : { user, groups: [] }
    },
    // Docker takes an open door for the answer to every question, and never sends what it knows.
    admitsAnonymous: false,
    challenge: () => BASIC_CHALLENGE,
  }
}
