import { htpasswdAuthenticator } from './htpasswd.ts'
import type { Logins } from './logins.ts'
import type { Authenticator } from './ports.ts'

/**
 * Who asks, where the daemon itself is meant and clients come with tokens: tokens are for repositories, so it takes a name
 * and a password (RFC 7617). Who presents a token is known by it all the same, and is told that it will not do.
 */
export function administrators(logins: Logins, tokens: Authenticator): Authenticator {
  const passwords = htpasswdAuthenticator(logins)
  return {
    ...passwords,
    identify: (presented, options) => {
      const [header = ''] = presented.authorization
      const isToken = /^bearer /i.test(header)
      return (isToken ? tokens : passwords).identify(presented, options)
    },
  }
}
