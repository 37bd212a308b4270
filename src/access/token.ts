import { ANONYMOUS } from './ports.ts'
import { grantOf, grantsCatalog, scopeOf } from './scope.ts'
import { RegistryError } from '../oci/errors.ts'
import { readToken } from './token-check.ts'
import type { Authenticator } from './ports.ts'
import type { TokenRules } from './token-check.ts'

/** How clients get tokens, and what is made of them. */
export interface TokenOptions extends TokenRules {
  /** Where they are to be had; `undefined`: at `/v2/token` of where the client reached us. */
  readonly realm: string | undefined
  /** Whether there still is such a user, with the password for which the token was given. */
  readonly isUser: (user: string, stamp: unknown) => boolean
}

/** `auth.mode: token`: requests carry tokens of short life (RFC 6750). */
export function tokenAuthenticator(options: TokenOptions): Authenticator {
  const { realm, audience, isUser } = options
  return {
    identify: async ({ authorization }) => {
      const claims = await readToken(authorization, options)
      if (claims === undefined) return ANONYMOUS
      const { subject: user, access, stamp } = claims
      if (user !== undefined && !isUser(user, stamp))
        throw new RegistryError('UNAUTHORIZED', {
          message: 'there is no such user any more, or the password is another one',
        })
      return { user, groups: [], grant: grantOf(access), mayList: grantsCatalog(access) }
    },
    // Clients learn from this refusal where tokens are to be had, also those for nobody in particular.
    admitsAnonymous: false,
    challenge: (needed, origin, error) => {
      const scope = scopeOf(needed)
      const parts = [
        `Bearer realm="${realm ?? `${origin}/v2/token`}"`,
        `service="${audience}"`,
        ...(scope === undefined ? [] : [`scope="${scope}"`]),
        ...(error === undefined ? [] : [`error="${error}"`]),
      ]
      return parts.join(',')
    },
  }
}
